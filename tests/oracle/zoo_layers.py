"""Layers that tfjs lacks, as Keras 2 and Keras 3 compute them: outputs and gradients.

Needs: tensorflow 2.18, tf_keras 2.18, keras 3.15, numpy 1.26 to 2.0.
Run from the repository root: python tests/oracle/zoo_layers.py
Writes tests/zoo/goldens/layers.json and layers_keras2.h5.gz (a whole model of Keras 2 with these layers).

A case holds the layer's arguments, its input, the values of its weights, a vector `upstream` with the size of the output,
and of the loss `sum(upstream * output)` the gradients by the input and by each trainable weight.
"""

import gzip
import json
import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import keras as keras3
import numpy as np
import tensorflow as tf
import tf_keras as keras2
from keras.src.applications import convnext as convnext3
from keras.src.applications import inception_resnet_v2 as inception3
from tf_keras.src.applications import convnext as convnext2
from tf_keras.src.applications import inception_resnet_v2 as inception2

FOLDER = os.path.join(os.path.dirname(__file__), "..", "zoo", "goldens")
RNG = np.random.RandomState(5)


def flat(value):
    array = np.asarray(value)
    return {"shape": list(array.shape), "data": [float(f"{x:.8g}") for x in array.ravel()]}


def values_of(weight):
    name = getattr(weight, "path", weight.name)
    if "count" in name:
        return np.array(3, dtype="int64")
    values = RNG.normal(0, 0.5, weight.shape).astype("float32")
    # One variance is 0: nothing may be divided by it.
    return np.abs(values) * (np.arange(values.size).reshape(values.shape) > 0) if "variance" in name else values


def case(layer, inputs):
    tensors = [tf.constant(x) for x in inputs]
    given = tensors if len(tensors) > 1 else tensors[0]
    layer(given)
    weights = [values_of(w) for w in layer.weights]
    for weight, value in zip(layer.weights, weights):
        weight.assign(value)
    if hasattr(layer, "finalize_state"):
        layer.finalize_state()
    trainable = [getattr(w, "value", w) if not isinstance(w, tf.Variable) else w for w in layer.trainable_weights]
    with tf.GradientTape() as tape:
        for tensor in tensors:
            tape.watch(tensor)
        output = layer(given)
        upstream = RNG.normal(0, 1, output.shape).astype("float32")
        loss = tf.reduce_sum(output * upstream)
    gradients = tape.gradient(loss, tensors + trainable)
    return {
        "inputs": [flat(x) for x in inputs],
        "weights": [flat(w) for w in weights],
        "output": flat(output),
        "upstream": flat(upstream),
        "inputGradients": [flat(g) for g in gradients[: len(tensors)]],
        "weightGradients": [flat(g) for g in gradients[len(tensors) :]],
        "config": json.loads(json.dumps(layer.get_config(), default=str)),
    }


def picture(*shape):
    return RNG.normal(0, 2, shape).astype("float32")


def cases(keras, convnext, inception):
    layers = keras.layers
    grouped = lambda **more: layers.Conv2D(**{"filters": 6, "kernel_size": 3, "name": "layer", **more})
    normalization = lambda **more: layers.Normalization(name="layer", **more)
    result = {
        "Normalization along the channels": (normalization(), [picture(2, 3, 2, 4)]),
        "Normalization of vectors": (normalization(), [picture(3, 5)]),
        "Normalization along two axes": (normalization(axis=[1, -1]), [picture(2, 3, 2, 2)]),
        "Normalization with one mean for all": (normalization(axis=None, mean=1.5, variance=4.0), [picture(2, 3, 2, 2)]),
        "Normalization with constants": (
            normalization(mean=[0.485, 0.456, 0.406], variance=[0.229**2, 0.224**2, 0.225**2]),
            [picture(2, 2, 2, 3)],
        ),
        "Normalization with one constant for each axis": (normalization(mean=0.5, variance=0.25), [picture(1, 2, 2, 3)]),
        "Normalization with constants for the last of two axes": (
            normalization(axis=[1, 3], mean=[1.0, 2.0], variance=[3.0, 4.0]),
            [picture(2, 3, 2, 2)],
        ),
        "Normalization the other way": (normalization(invert=True), [picture(2, 2, 2, 3)]),
        "LayerScale of a feature map": (convnext.LayerScale(0.5, 4, name="layer"), [picture(2, 2, 3, 4)]),
        "LayerScale of vectors": (convnext.LayerScale(0.5, 4, name="layer"), [picture(3, 4)]),
        "StochasticDepth at inference": (convnext.StochasticDepth(0.3, name="layer"), [picture(2, 2, 2, 3)]),
        "CustomScaleLayer": (inception.CustomScaleLayer(0.17, name="layer"), [picture(2, 2, 2, 3), picture(2, 2, 2, 3)]),
        "GroupedConv2D, one group for each channel": (
            grouped(groups=3, padding="same"),
            [picture(2, 4, 5, 3)],
        ),
        "GroupedConv2D, one filter for each channel, strides": (
            grouped(groups=6, strides=2, kernel_size=[3, 3]),
            [picture(1, 6, 7, 6)],
        ),
        "GroupedConv2D, two groups, without bias": (
            grouped(groups=2, use_bias=False, padding="same", strides=2, kernel_size=[2, 3]),
            [picture(2, 5, 4, 4)],
        ),
        "GroupedConv2D, one group": (grouped(groups=1, activation="relu"), [picture(1, 4, 4, 2)]),
        "GlobalAveragePooling2DKeepDims": (
            layers.GlobalAveragePooling2D(keepdims=True, name="layer"),
            [picture(2, 3, 4, 2)],
        ),
        "GlobalMaxPooling2DKeepDims": (layers.GlobalMaxPooling2D(keepdims=True, name="layer"), [picture(2, 3, 4, 2)]),
        "GlobalAveragePooling2DKeepDims, channels first": (
            layers.GlobalAveragePooling2D(keepdims=True, data_format="channels_first", name="layer"),
            [picture(2, 3, 4, 2)],
        ),
        "Rescaling with a vector": (
            layers.Rescaling([2.0, 0.5, 3.0], offset=[1.0, 0.0, -1.0], name="layer"),
            [picture(2, 2, 2, 3)],
        ),
        "gelu": (layers.Activation("gelu", name="layer"), [picture(3, 7)]),
    }
    if keras is keras3:
        for name in ("hard_swish", "hard_silu", "hard_sigmoid"):
            result[name] = (layers.Activation(name, name="layer"), [picture(3, 7)])
            result[f"{name} of a Dense"] = (layers.Dense(4, activation=name, name="layer"), [picture(3, 5)])
            result[f"{name} of a Conv2D"] = (layers.Conv2D(2, 2, activation=name, name="layer"), [picture(1, 3, 3, 2)])
        result["GroupedConv2D with hard_swish"] = (grouped(groups=3, activation="hard_swish"), [picture(1, 4, 4, 3)])
    return {name: case(layer, inputs) for name, (layer, inputs) in result.items()}


def whole_model():
    """What Keras 2 itself saves of a network with all of them."""
    layers = keras2.layers
    image = keras2.Input((8, 8, 4), name="image")
    x = layers.Normalization(name="normalized")(image)
    x = layers.Rescaling([1.0, 2.0, 0.5, 1.5], offset=0.25, name="rescaled")(x)
    x = layers.Normalization(mean=[0.1, 0.2, 0.3, 0.4], variance=[1.0, 2.0, 3.0, 4.0], name="constant")(x)
    a = layers.Conv2D(8, 3, groups=4, padding="same", name="depthwise")(x)
    b = layers.Conv2D(8, 3, groups=2, padding="same", activation="hard_sigmoid", name="grouped")(x)
    x = inception2.CustomScaleLayer(0.17, name="residual")([a, b])
    x = layers.LayerNormalization(epsilon=1e-6, name="ln")(x)
    x = layers.Dense(8, activation="gelu", name="dense")(x)
    x = convnext2.LayerScale(0.5, 8, name="scale")(x)
    x = convnext2.StochasticDepth(0.2, name="path")(x)
    x = layers.Dropout(0.2, noise_shape=(None, 1, 1, 1), name="drop")(x)
    average = layers.GlobalAveragePooling2D(keepdims=True, name="average")(x)
    largest = layers.GlobalMaxPooling2D(keepdims=True, name="largest")(x)
    x = layers.Concatenate(name="both")([average, largest])
    x = layers.Conv2D(3, 1, name="logits")(x)
    model = keras2.Model(image, layers.Flatten(name="flat")(x), name="own_layers")
    for weight in model.weights:
        weight.assign(values_of(weight) + (0.5 if "variance" in weight.name else 0))
    for layer in model.layers:
        if hasattr(layer, "finalize_state"):
            layer.finalize_state()
    inputs = picture(2, 8, 8, 4)
    path = os.path.join(FOLDER, "layers_keras2.h5")
    model.save(path, save_format="h5")
    with open(path, "rb") as f, open(path + ".gz", "wb") as out:
        with gzip.GzipFile(fileobj=out, mode="wb", mtime=0, filename="") as packed:
            packed.write(f.read())
    os.remove(path)
    return {"inputs": [flat(inputs)], "outputs": [flat(model.predict(inputs, verbose=0))], "parameters": model.count_params()}


if __name__ == "__main__":
    goldens = {
        "keras2": cases(keras2, convnext2, inception2),
        "keras3": cases(keras3, convnext3, inception3),
        "wholeModel": whole_model(),
    }
    with open(os.path.join(FOLDER, "layers.json"), "w") as f:
        json.dump(goldens, f)
