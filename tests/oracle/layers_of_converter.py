"""Layers of converted models that tfjs lacks or computes otherwise, as Keras 2 and Keras 3 compute them.

Needs: tensorflow 2.18, tf_keras 2.18, keras 3.15, numpy 1.26 to 2.0.
Run from the repository root: python tests/oracle/layers_of_converter.py
Writes tests/layers/goldens/layers.json.

A case holds Keras's class, the layer's arguments, its inputs, the values of its weights, its output, a vector `upstream`
with the size of the output, and of the loss `sum(upstream * output)` the gradients by the input and by each trainable
weight. Where both Keras versions have the layer they have to agree, and the case is there once.
"""

import json
import os
import zlib

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""
os.environ["KERAS_BACKEND"] = "tensorflow"

import keras as keras3
import numpy as np
import tensorflow as tf
import tf_keras as keras2

FOLDER = os.path.join(os.path.dirname(__file__), "..", "layers", "goldens")
CASES = {}


def add(name, class_name, inputs, versions="23", first=False, training=False, bias_of=1.0, **config):
    """`first`: the layer is channels_first, which TensorFlow's CPU lacks: the channels go last and come back."""
    CASES[name] = dict(
        class_name=class_name, shapes=inputs, versions=versions, first=first, training=training, scale=bias_of, config=config
    )


def flat(value):
    array = np.asarray(value)
    return {"shape": list(array.shape), "data": [float(f"{x:.7g}") for x in array.astype("float32").ravel()]}


def last(x):
    return np.moveaxis(np.asarray(x), 1, -1)


def back(x):
    return np.moveaxis(np.asarray(x), -1, 1)


def values_of(weight, rng):
    name = getattr(weight, "path", weight.name)
    values = rng.normal(0, 0.5, tuple(weight.shape)).astype("float32")
    return np.abs(values) + 0.5 if "variance" in name else values


def computed(keras, name, entry):
    rng = np.random.RandomState(zlib.crc32(name.encode()) & 0x7FFFFFFF)
    layer = getattr(keras.layers, entry["class_name"])(**entry["config"])
    inputs = [rng.normal(0, entry["scale"], shape).astype("float32") for shape in entry["shapes"]]
    tensors = [tf.constant(last(x) if entry["first"] else x) for x in inputs]
    given = tensors if len(tensors) > 1 else tensors[0]
    layer(given)
    weights = [values_of(w, rng) for w in layer.weights]
    for weight, value in zip(layer.weights, weights):
        weight.assign(value)
    trainable = [getattr(w, "value", w) if not isinstance(w, tf.Variable) else w for w in layer.trainable_weights]
    more = {"training": True} if entry["training"] else {}
    with tf.GradientTape() as tape:
        for tensor in tensors:
            tape.watch(tensor)
        output = layer(given, **more)
        upstream = rng.normal(0, 1, output.shape).astype("float32")
        loss = tf.reduce_sum(output * upstream)
    turn = back if entry["first"] else np.asarray
    try:
        gradients = tape.gradient(loss, tensors + trainable)
    except Exception:  # noqa: BLE001: some have none on a CPU
        gradients = None
    result = {
        "inputs": [flat(x) for x in inputs],
        "weights": [flat(w) for w in weights],
        "output": flat(turn(output)),
        "upstream": flat(turn(upstream)),
    }
    if gradients is not None:
        result["inputGradients"] = [flat(turn(g)) for g in gradients[: len(tensors)]]
        result["weightGradients"] = [flat(g) for g in gradients[len(tensors) :]]
    if entry["training"]:
        result["weightsAfter"] = [flat(w) for w in layer.weights]
    return result


def numbers(result):
    lists = result["weights"] + [result["output"]] + result.get("inputGradients", []) + result.get("weightGradients", [])
    return np.concatenate([np.array(item["data"]) for item in lists])


def both(name, entry):
    found = [computed(keras2 if version == "2" else keras3, name, entry) for version in entry["versions"]]
    if len(found) == 2:
        a, b = numbers(found[0]), numbers(found[1])
        worst = np.max(np.abs(a - b) / np.maximum(1, np.abs(a)))
        assert worst < 5e-6, f"{name}: Keras 2 and 3 differ by {worst}"
    config = {**entry["config"], **({"data_format": "channels_first"} if entry["first"] else {})}
    return {"className": entry["class_name"], "config": json.loads(json.dumps(config)), **found[-1]}


# Convolutions
S, P, V = (2, 9, 4), (2, 7, 6, 4), (1, 4, 5, 4, 4)
add("Conv1D in groups", "Conv1D", [S], filters=6, kernel_size=3, groups=2, padding="same", activation="tanh")
add("Conv1D, a group for each channel", "Conv1D", [S], filters=8, kernel_size=[3], groups=4, strides=2)
add("Conv1D, causal", "Conv1D", [S], filters=3, kernel_size=3, padding="causal", activation="relu")
add("Conv1D, causal with a dilation", "Conv1D", [S], filters=3, kernel_size=3, padding="causal", dilation_rate=2)
add("Conv1D, causal with strides in groups", "Conv1D", [S], filters=4, kernel_size=2, padding="causal", strides=2, groups=2)
add("Conv1D, channels first", "Conv1D", [(2, 3, 8)], first=True, filters=4, kernel_size=3, padding="same", strides=2)
add("Conv3D in groups", "Conv3D", [V], filters=6, kernel_size=2, groups=2, padding="same", use_bias=False)
add("Conv3D in groups, strides", "Conv3D", [V], filters=4, kernel_size=(2, 3, 2), groups=2, strides=(1, 2, 2))
add("DepthwiseConv2D with a dilation", "DepthwiseConv2D", [P], kernel_size=3, dilation_rate=2, padding="same", depth_multiplier=2)
add("DepthwiseConv2D with a dilation, valid", "DepthwiseConv2D", [P], kernel_size=(3, 2), dilation_rate=(2, 3), activation="relu")
add("DepthwiseConv2D, channels first", "DepthwiseConv2D", [(2, 3, 7, 6)], first=True, kernel_size=3, dilation_rate=2)
add("DepthwiseConv1D", "DepthwiseConv1D", [S], kernel_size=3, padding="same", depth_multiplier=2, activation="relu")
add("DepthwiseConv1D, strides, no bias", "DepthwiseConv1D", [S], kernel_size=4, strides=2, use_bias=False)
add("DepthwiseConv1D with a dilation", "DepthwiseConv1D", [S], kernel_size=3, dilation_rate=2)
add("SeparableConv1D", "SeparableConv1D", [S], filters=3, kernel_size=3, padding="same", depth_multiplier=2, activation="relu")
add("SeparableConv1D, strides, no bias", "SeparableConv1D", [S], filters=2, kernel_size=2, strides=2, use_bias=False)
add("SeparableConv1D with a dilation", "SeparableConv1D", [S], filters=2, kernel_size=3, dilation_rate=2, padding="same")
add("SeparableConv1D, causal", "SeparableConv1D", [S], versions="2", filters=2, kernel_size=3, padding="causal")
add("SeparableConv2D, channels first", "SeparableConv2D", [(2, 3, 7, 6)], first=True, filters=4, kernel_size=3, strides=2, padding="same")
add("Conv1DTranspose", "Conv1DTranspose", [(2, 5, 3)], filters=4, kernel_size=3, strides=2, padding="same", activation="relu")
add("Conv1DTranspose, valid, gaps", "Conv1DTranspose", [(2, 5, 3)], filters=2, kernel_size=2, strides=3, use_bias=False)
add("Conv1DTranspose, output padding", "Conv1DTranspose", [(2, 5, 3)], filters=2, kernel_size=3, strides=2, padding="same", output_padding=1)
add("Conv1DTranspose, dilation", "Conv1DTranspose", [(2, 5, 3)], versions="3", filters=2, kernel_size=3, dilation_rate=2)
add("Conv1DTranspose, channels first", "Conv1DTranspose", [(2, 3, 5)], first=True, filters=2, kernel_size=3, strides=2)
for padding in ("same", "valid"):
    add(f"Conv2DTranspose, output padding, {padding}", "Conv2DTranspose", [(2, 4, 5, 3)], filters=2, kernel_size=3, strides=2, padding=padding, output_padding=1)
    add(f"Conv2DTranspose, dilation, {padding}", "Conv2DTranspose", [(2, 4, 5, 3)], filters=2, kernel_size=(2, 3), padding=padding, dilation_rate=2)
add("Conv2DTranspose, output padding of each axis", "Conv2DTranspose", [(1, 4, 5, 3)], filters=2, kernel_size=(4, 3), strides=(3, 2), padding="same", output_padding=(2, 0))
add("Conv3DTranspose", "Conv3DTranspose", [(1, 3, 3, 4, 2)], filters=3, kernel_size=3, strides=2, padding="same", activation="relu")
add("Conv3DTranspose, valid", "Conv3DTranspose", [(2, 3, 2, 2, 2)], filters=2, kernel_size=2, strides=(1, 3, 1), use_bias=False)
add("Conv3DTranspose, channels first", "Conv3DTranspose", [(1, 2, 3, 2, 2)], first=True, filters=2, kernel_size=2, strides=2)
add("Conv3DTranspose, output padding", "Conv3DTranspose", [(1, 2, 3, 2, 2)], filters=2, kernel_size=3, strides=2, padding="same", output_padding=1)

# Activations
add("activation exponential", "Activation", [(3, 7)], activation="exponential")
for name in (
    "leaky_relu celu glu hard_tanh hard_shrink soft_shrink tanh_shrink squareplus sparse_plus sparse_sigmoid sparsemax log_sigmoid"
).split():
    add(f"activation {name}", "Activation", [(4, 6)], versions="3", bias_of=1.5, activation=name)
add("activation sparsemax of maps", "Activation", [(2, 3, 2, 5)], versions="3", activation="sparsemax")
add("celu of a Dense", "Dense", [(3, 4)], versions="3", units=5, activation="celu")
add("ReLU with a slope", "ReLU", [(3, 7)], negative_slope=0.2)
add("ReLU with a threshold", "ReLU", [(3, 7)], threshold=0.4)
add("ReLU with all", "ReLU", [(3, 7)], max_value=0.9, negative_slope=0.1, threshold=0.2)
add("ELU with alpha", "ELU", [(3, 7)], alpha=0.3)
add("Softmax over rows", "Softmax", [(2, 3, 4, 5)], axis=1)
add("Softmax over a middle axis", "Softmax", [(2, 3, 4)], axis=-2)
add("Softmax over two axes", "Softmax", [(2, 3, 4, 5)], axis=[1, 2])

# Normalization
add("BatchNormalization of rows", "BatchNormalization", [(2, 3, 4, 5)], axis=1)
add("BatchNormalization of steps", "BatchNormalization", [(2, 3, 4)], axis=1, epsilon=0.01, scale=False)
add("BatchNormalization of a middle axis, without weights", "BatchNormalization", [(2, 3, 4, 5)], axis=2, scale=False, center=False)
add("BatchNormalization of volumes", "BatchNormalization", [(2, 3, 2, 2, 4)], axis=-1)
add("BatchNormalization of rows in training", "BatchNormalization", [(3, 4, 3, 2)], training=True, axis=1, momentum=0.9)
add("BatchNormalization of volumes in training", "BatchNormalization", [(2, 2, 3, 2, 3)], training=True, versions="3", axis=-1, momentum=0.8)
add("LayerNormalization of rows", "LayerNormalization", [(2, 3, 4, 5)], axis=1)
add("LayerNormalization of two axes", "LayerNormalization", [(2, 3, 4, 5)], axis=[1, 3], epsilon=1e-5)
add("LayerNormalization of all axes", "LayerNormalization", [(2, 3, 4, 2)], axis=[1, 2, 3], center=False)
add("LayerNormalization of volumes", "LayerNormalization", [(2, 2, 3, 2, 4)], axis=-1, scale=False)
add("LayerNormalization of volumes, two axes", "LayerNormalization", [(2, 2, 3, 2, 4)], axis=[1, 4])
add("LayerNormalization with rms_scaling", "LayerNormalization", [(2, 3, 5)], versions="3", axis=-1, rms_scaling=True)
add("GroupNormalization", "GroupNormalization", [(2, 3, 4, 6)], groups=3)
add("GroupNormalization of instances", "GroupNormalization", [(2, 3, 4, 6)], groups=-1, scale=False, center=False)
add("GroupNormalization of rows", "GroupNormalization", [(2, 4, 3, 5)], groups=2, axis=1, epsilon=1e-5)
add("GroupNormalization of vectors", "GroupNormalization", [(3, 6)], groups=2)
add("UnitNormalization", "UnitNormalization", [(2, 6, 4)])
add("UnitNormalization of two axes", "UnitNormalization", [(2, 6, 4)], axis=[1, 2])
add("RMSNormalization", "RMSNormalization", [(2, 6, 4)], versions="3")
add("RMSNormalization of two axes", "RMSNormalization", [(2, 3, 4, 5)], versions="3", axis=[2, 3], epsilon=1e-3)

# Pooling
for name in ("Average", "Max"):
    add(f"Global{name}Pooling1D that keeps the axis", f"Global{name}Pooling1D", [(2, 6, 3)], keepdims=True)
    add(f"Global{name}Pooling1D, channels first", f"Global{name}Pooling1D", [(2, 3, 6)], data_format="channels_first")
    add(f"Global{name}Pooling3D", f"Global{name}Pooling3D", [(2, 3, 2, 4, 3)])
    add(f"Global{name}Pooling3D that keeps the axes", f"Global{name}Pooling3D", [(2, 3, 2, 4, 3)], keepdims=True)
    add(f"Global{name}Pooling3D, channels first", f"Global{name}Pooling3D", [(2, 3, 2, 4, 3)], data_format="channels_first", keepdims=True)
    add(f"{name}Pooling1D, channels first", f"{name}Pooling1D", [(2, 3, 7)], first=True, pool_size=3, strides=2)

add("MaxPooling3D", "MaxPooling3D", [(2, 5, 6, 7, 2)], pool_size=2)
add("MaxPooling3D, same", "MaxPooling3D", [(1, 5, 6, 7, 2)], pool_size=(2, 3, 2), strides=(1, 2, 3), padding="same")
add("MaxPooling3D, channels first", "MaxPooling3D", [(1, 2, 5, 4, 3)], first=True, pool_size=(3, 2, 2), strides=1)

# Borders and sizes
add("Cropping1D", "Cropping1D", [(2, 8, 3)], cropping=(1, 2))
add("Cropping1D, nothing at the end", "Cropping1D", [(2, 8, 3)], cropping=(3, 0))
add("Cropping3D", "Cropping3D", [(1, 6, 7, 8, 2)], cropping=((1, 1), (2, 0), (1, 3)))
add("Cropping3D, channels first", "Cropping3D", [(1, 2, 4, 5, 6)], cropping=((1, 1), (1, 1), (2, 2)), data_format="channels_first")
add("ZeroPadding1D", "ZeroPadding1D", [(2, 4, 3)], padding=(1, 2))
add("ZeroPadding1D, both ends alike", "ZeroPadding1D", [(2, 4, 3)], padding=2)
add("ZeroPadding3D", "ZeroPadding3D", [(1, 3, 2, 4, 2)], padding=((1, 1), (2, 0), (1, 3)))
add("ZeroPadding3D, channels first", "ZeroPadding3D", [(1, 2, 3, 2, 4)], padding=1, data_format="channels_first")
add("UpSampling1D", "UpSampling1D", [(2, 4, 3)], size=3)
add("UpSampling3D", "UpSampling3D", [(1, 3, 2, 4, 2)], size=(2, 1, 3))
add("UpSampling3D, channels first", "UpSampling3D", [(1, 2, 3, 2, 4)], size=2, data_format="channels_first")
for name in ("bilinear", "bicubic", "lanczos3", "lanczos5"):
    add(f"UpSampling2D, {name}", "UpSampling2D", [(2, 4, 3, 2)], size=(2, 3), interpolation=name)
for name in ("gaussian", "mitchellcubic", "area"):
    add(f"UpSampling2D, {name}", "UpSampling2D", [(2, 4, 3, 2)], versions="2", size=(2, 3), interpolation=name)
add("UpSampling2D, bilinear, channels first", "UpSampling2D", [(2, 2, 4, 3)], first=True, size=(2, 3), interpolation="bilinear")


if __name__ == "__main__":
    os.makedirs(FOLDER, exist_ok=True)
    goldens = {}
    for case, given in CASES.items():
        try:
            goldens[case] = both(case, given)
            if "inputGradients" not in goldens[case]:
                print("no gradients:", case)
        except Exception as error:  # noqa: BLE001: the list goes on
            print("FAILED", case, type(error).__name__, str(error).splitlines()[0][:200])
    with open(os.path.join(FOLDER, "layers.json"), "w") as file:
        json.dump(goldens, file, separators=(",", ":"))
        file.write("\n")
    print(len(goldens), "of", len(CASES), "cases")
