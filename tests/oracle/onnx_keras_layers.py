"""Makes tests/converters-onnx/goldens/keras-layers.json: small Keras models, their weights and what Keras says.

Only what tfjs computes differently or cannot build is here (dilated depthwise convolutions, bilinear upsampling,
groups, ReLU's slope and threshold, ...); everything else is compared with tfjs itself.

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
    x = random.randn(2, *model.input_shape[1:]).astype("f4")
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
