"""Makes tests/converters-onnx/goldens/keras-layers.json: small Keras models, their weights and what Keras says.

Options and neighbours that the converter's corpus has not: what tfjs computes differently or cannot build, what is folded,
and layers behind one that leaves its channels first.

Needs: tensorflow==2.18.0 tf_keras==2.18.0. Usage: python onnx_keras_layers.py OUTPUT.json
"""

import base64
import json
import os
import sys

os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["TF_USE_LEGACY_KERAS"] = "1"

import numpy as np
import tf_keras as keras

L = keras.layers


def chain(shape, *layers):
    x = start = keras.Input(shape)
    for layer in layers:
        x = layer(x)
    return keras.Model(start, x)


def dot(axes, right, **options):
    """The dot product of two tensors that a picture's rows become; `right` makes the second one."""
    start = keras.Input((4, 3))
    return keras.Model(start, L.Dot(axes, **options)([L.Dense(5)(start), right(start)]))


def ranks():
    start = keras.Input((6, 4))
    h = L.Conv1D(3, 2)(start)
    return keras.Model(start, L.Add()([h, L.GlobalMaxPooling1D()(h)]))


def joined(shape, *branches, axis=-1):
    start = keras.Input(shape)
    return keras.Model(start, L.Concatenate(axis=axis)([branch(start) for branch in branches]))


def subtract():
    start = keras.Input((5, 6, 3))
    sides = [L.Conv2D(4, 2)(start), L.Conv2D(4, 2)(start)]
    return keras.Model(start, L.Subtract()(sides))


CASES = {
    "a dilated DepthwiseConv2D, same": lambda: chain((9, 8, 2), L.DepthwiseConv2D(3, dilation_rate=2, padding="same")),
    "a dilated DepthwiseConv2D, valid": lambda: chain((9, 8, 2), L.DepthwiseConv2D(3, dilation_rate=(2, 3))),
    "a dilated SeparableConv2D": lambda: chain((9, 8, 2), L.SeparableConv2D(3, 3, dilation_rate=2, depth_multiplier=2)),
    "a grouped Conv2D": lambda: chain((6, 5, 4), L.Conv2D(6, 3, groups=2, padding="same", activation="relu")),
    "a Conv2D with other strides on each axis": lambda: chain((9, 8, 2), L.Conv2D(3, (3, 2), (2, 3), padding="same")),
    "a dilated Conv2DTranspose": lambda: chain((5, 6, 2), L.Conv2DTranspose(3, 3, dilation_rate=2, padding="same")),
    "a Conv2DTranspose with strides": lambda: chain((5, 6, 2), L.Conv2DTranspose(3, 3, strides=(2, 3), padding="same")),
    "a Conv2DTranspose with strides beyond its kernel": lambda: chain((4, 3, 2), L.Conv2DTranspose(3, 2, strides=3)),
    "bilinear UpSampling2D": lambda: chain((4, 5, 2), L.UpSampling2D((2, 3), interpolation="bilinear")),
    "nearest UpSampling2D": lambda: chain((4, 5, 2), L.UpSampling2D((2, 3))),
    "ReLU with slope, threshold and maximum": lambda: chain((4, 5, 3), L.ReLU(0.7, negative_slope=0.2, threshold=0.1)),
    "ReLU with a slope and a maximum": lambda: chain((4, 5, 3), L.ReLU(0.7, negative_slope=0.2)),
    "ReLU with a threshold": lambda: chain((4, 5, 3), L.ReLU(threshold=0.3)),
    "ELU with alpha": lambda: chain((4, 5, 3), L.ELU(0.4)),
    "silu, exponential and gelu": lambda: chain((4,), L.Dense(5, "silu"), L.Dense(5, "exponential"), L.Dense(5, "gelu")),
    "global pools that keep their axes": lambda: chain((4, 5, 3), L.GlobalAveragePooling2D(keepdims=True), L.Conv2D(2, 1)),
    "Subtract": subtract,
    "Rescaling with a number for each channel": lambda: chain((4, 5, 3), L.Rescaling([1.0, 2.0, 0.5], [0.0, -1.0, 0.25])),
    "BatchNormalization along the rows": lambda: chain((4, 5, 3), L.BatchNormalization(axis=1)),
    "BatchNormalization folded, without scale": lambda: chain(
        (8, 8, 3), L.ZeroPadding2D(((0, 1), (1, 0))), L.Conv2D(4, 3, 2, use_bias=False), L.BatchNormalization(scale=False), L.ReLU(6)
    ),
    "LayerNormalization": lambda: chain((4, 5, 6), L.Conv2D(5, 2), L.LayerNormalization(epsilon=1e-6)),
    "AveragePooling2D, same": lambda: chain((7, 8, 2), L.AveragePooling2D(3, 2, padding="same")),
    "PReLU": lambda: chain((4, 5, 3), L.Conv2D(2, 2), L.PReLU(shared_axes=[1, 2])),
    "SpatialDropout2D and ActivityRegularization": lambda: chain(
        (4, 5, 3), L.SpatialDropout2D(0.5), L.ActivityRegularization(0.1), L.Flatten(), L.Dense(2)
    ),
    "a causal Conv1D with strides": lambda: chain((9, 3), L.Conv1D(4, 3, 2, padding="causal")),
    "a causal SeparableConv1D": lambda: chain((9, 3), L.SeparableConv1D(4, 3, dilation_rate=2, padding="causal")),
    "a dilated DepthwiseConv1D": lambda: chain((9, 3), L.DepthwiseConv1D(3, dilation_rate=2, padding="same")),
    "a Conv3D with strides, same": lambda: chain((5, 6, 7, 2), L.Conv3D(3, (2, 3, 2), (2, 3, 1), padding="same")),
    "a dilated Conv1DTranspose": lambda: chain((5, 3), L.Conv1DTranspose(2, 3, dilation_rate=2)),
    "a Conv1DTranspose with output_padding": lambda: chain((5, 3), L.Conv1DTranspose(2, 4, 3, output_padding=2)),
    "a Conv1DTranspose with output_padding, same": lambda: chain(
        (5, 3), L.Conv1DTranspose(2, 4, 3, padding="same", output_padding=1)
    ),
    "a Conv2DTranspose with output_padding": lambda: chain((4, 5, 2), L.Conv2DTranspose(3, 3, 2, output_padding=(1, 0))),
    "a Conv3DTranspose with output_padding, same": lambda: chain(
        (3, 2, 4, 2), L.Conv3DTranspose(2, 3, (2, 3, 2), padding="same", output_padding=(0, 2, 1))
    ),
    "zeros and a BatchNormalization around a Conv1D": lambda: chain(
        (9, 3), L.ZeroPadding1D((2, 1)), L.Conv1D(4, 3, use_bias=False), L.BatchNormalization(), L.ReLU()
    ),
    "zeros and a BatchNormalization around a Conv3D": lambda: chain(
        (3, 4, 5, 2), L.ZeroPadding3D(((0, 1), (1, 0), (2, 1))), L.Conv3D(3, 2), L.BatchNormalization()
    ),
    "a BatchNormalization behind a SeparableConv1D": lambda: chain((9, 3), L.SeparableConv1D(4, 3), L.BatchNormalization()),
    "a BatchNormalization behind a DepthwiseConv1D": lambda: chain(
        (9, 3), L.DepthwiseConv1D(3, depth_multiplier=2), L.BatchNormalization()
    ),
    "a BatchNormalization behind a Conv1DTranspose": lambda: chain(
        (5, 3), L.Conv1DTranspose(2, 4, 2), L.BatchNormalization()
    ),
    "a BatchNormalization behind a dense layer on sequences": lambda: chain((5, 3), L.Dense(4), L.BatchNormalization()),
    "pools of a Conv1D's output": lambda: chain(
        (12, 3), L.Conv1D(4, 2), L.AveragePooling1D(3, 2, padding="same"), L.MaxPooling1D(2, 1), L.Cropping1D((1, 0))
    ),
    "a dense layer behind a Conv3D": lambda: chain((3, 4, 5, 2), L.Conv3D(3, 2), L.Dense(4, activation="softmax")),
    "LayerNormalization on rows and channels": lambda: chain((4, 5, 3), L.Conv2D(4, 2), L.LayerNormalization(axis=[1, 3])),
    "LayerNormalization on steps, without beta": lambda: chain(
        (6, 3), L.Conv1D(4, 2), L.LayerNormalization(axis=1, center=False)
    ),
    "GroupNormalization behind a convolution": lambda: chain((4, 5, 3), L.Conv2D(6, 2), L.GroupNormalization(3)),
    "GroupNormalization along the rows": lambda: chain((4, 5, 3), L.GroupNormalization(2, axis=1)),
    "GroupNormalization of vectors": lambda: chain((6,), L.GroupNormalization(3, epsilon=1e-2)),
    "UnitNormalization behind a convolution": lambda: chain((4, 5, 3), L.Conv2D(4, 2), L.UnitNormalization(axis=[1, 3])),
    "Softmax over several axes behind a convolution": lambda: chain((4, 5, 3), L.Conv2D(4, 2), L.Softmax(axis=[1, 2])),
    "PReLU behind a Conv1D": lambda: chain((6, 3), L.Conv1D(4, 2), L.PReLU()),
    "PReLU with a shared axis behind a Conv3D": lambda: chain((3, 4, 5, 2), L.Conv3D(3, 2), L.PReLU(shared_axes=[2])),
    "UpSampling1D and ZeroPadding1D": lambda: chain((4, 3), L.Conv1D(2, 2), L.UpSampling1D(3), L.ZeroPadding1D(2)),
    "UpSampling3D and Cropping3D": lambda: chain(
        (3, 4, 2, 2), L.Conv3D(2, 2), L.UpSampling3D((2, 1, 3)), L.Cropping3D(((1, 0), (0, 2), (1, 1)))
    ),
    "Flatten, channels first": lambda: chain((4, 5, 3), L.Conv2D(2, 2), L.Flatten(data_format="channels_first"), L.Dense(2)),
    "Permute and Reshape of five axes": lambda: chain((3, 4, 2, 2), L.Conv3D(3, 2), L.Permute((4, 2, 1, 3)), L.Reshape((-1, 3))),
    "Flatten of five axes": lambda: chain((3, 4, 2, 2), L.Conv3D(3, 2), L.Flatten(), L.Dense(2)),
    "Resizing with a crop": lambda: chain((6, 9, 2), L.Resizing(4, 4, crop_to_aspect_ratio=True)),
    "Resizing behind a convolution, nearest": lambda: chain((6, 9, 2), L.Conv2D(3, 2), L.Resizing(7, 3, "nearest")),
    "Resizing of any size": lambda: chain((None, None, 2), L.Resizing(5, 7)),
    "CenterCrop with an odd rest": lambda: chain((7, 8, 2), L.CenterCrop(4, 3)),
    "CenterCrop of a smaller picture": lambda: chain((4, 7, 2), L.CenterCrop(6, 5)),
    "Discretization, one hot": lambda: chain((1,), L.Discretization([-0.5, 0.1, 0.7], output_mode="one_hot")),
    "Discretization, many hot": lambda: chain((4,), L.Discretization([-0.5, 0.1, 0.7], output_mode="multi_hot")),
    "Discretization, counted": lambda: chain((4,), L.Discretization([-0.5, 0.1, 0.7], output_mode="count")),
    "Dot over other axes": lambda: dot((1, 2), lambda x: L.Permute((2, 1))(L.Dense(6)(x))),
    "Dot of a sequence and a vector": lambda: dot((2, 1), lambda x: L.Dense(5)(L.Flatten()(x))),
    "Dot, normalized": lambda: dot(2, lambda x: L.Dense(5)(x), normalize=True),
    "merging of several ranks": ranks,
    "Concatenate of a Conv1D's outputs along the steps": lambda: joined(
        (8, 3), L.Conv1D(4, 2), lambda x: L.MaxPooling1D(2)(L.Conv1D(4, 3)(x)), axis=1
    ),
}


def encode(array):
    data = np.ascontiguousarray(array, dtype="<f4")
    return {"shape": list(data.shape), "data": base64.b64encode(data.tobytes()).decode()}


def make(name, build, seed):
    random = np.random.RandomState(seed)
    keras.backend.clear_session()
    model = build()
    for layer in model.layers:
        layer.set_weights(
            [
                np.abs(random.randn(*w.shape)) + 0.5 if "variance" in w.name else random.randn(*w.shape) * 0.5
                for w in layer.weights
            ]
        )
    x = random.randn(2, *(6 if size is None else size for size in model.input_shape[1:])).astype("f4")
    return {
        "name": name,
        "config": json.loads(model.to_json()),
        "weights": {layer.name: [encode(w) for w in layer.get_weights()] for layer in model.layers if layer.weights},
        "input": encode(x),
        "output": encode(model(x, training=False).numpy()),
    }


if __name__ == "__main__":
    goldens = [make(name, build, seed) for seed, (name, build) in enumerate(CASES.items())]
    with open(sys.argv[1], "w") as file:
        json.dump({"keras": keras.__version__, "cases": goldens}, file)
        file.write("\n")
