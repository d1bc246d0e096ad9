"""Makes tests/converters-onnx/goldens/operations.json: what Keras computes by each operation between layers.

Keras 3's operations, and those of TensorFlow in Keras 2 that Keras 3 has not. Each case is a functional model of one operation or a few, its inputs and its outputs; there are no weights.

Needs: tensorflow==2.18.0 tf_keras==2.18.0 keras==3.15.1 numpy. Usage: python onnx_operations.py OUTPUT.json
"""

import json
import os
import sys
import zlib

os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["KERAS_BACKEND"] = "tensorflow"

import keras
import numpy as np
import tensorflow as tf
import tf_keras
from keras import ops as o

CASES = {}


def case(*shapes, whole=False, positive=False, k=keras):
    """`k`: the Keras that builds it. `whole`: int32 inputs from -3 to 3; `positive`: from 0.1 to 0.9."""

    def register(build):
        CASES[build.__name__.replace("_", " ")] = (shapes, whole, positive, k, build)
        return build

    return register


@case((4, 3))
def unary_arithmetic(x):
    return [
        *(f(x) for f in (o.negative, o.abs, o.sign, o.square, o.exp, o.expm1)),
        *(f(x * 3) for f in (o.floor, o.ceil, o.round)),
        o.clip(x, -0.3, 0.4),
        -x,
    ]


@case((4, 3), positive=True)
def roots_and_logarithms(x):
    return [o.sqrt(x), o.rsqrt(x), o.reciprocal(x), o.log(x), o.log1p(x)]


@case((4, 3))
def trigonometry(x):
    return [
        *(f(x) for f in (o.sin, o.cos, o.tan, o.arcsin, o.arccos, o.arctan, o.sinh, o.cosh, o.tanh)),
        o.erf(x),
    ]


@case((4, 3), (4, 3))
def binary_arithmetic(x, y):
    return [
        x + y,
        x - y,
        x * y,
        x / (y + 2.0),
        o.floor_divide(x, y + 2.0),
        o.mod(x, y + 0.3),
        o.mod(x, -0.3),
        o.power(x + 2.0, y),
        o.maximum(x, y),
        o.minimum(x, y),
        2.0 - x,
        1.0 / (x + 2.0),
        x**2,
    ]


@case((4, 3), (3,))
def broadcasting_of_ranks(x, y):
    return [x + y[:, None], y[:, None] * x, x - np.array([1.0, 2.0, 3.0], "float32"), o.maximum(0.2, x)]


@case((4, 3), (4, 3))
def comparisons(x, y):
    number = lambda condition: o.cast(condition, "float32")  # noqa: E731
    return [
        number(x > y),
        number(x >= y),
        number(x < 0.1),
        number(o.less_equal(x, y)),
        number(o.equal(x, y)),
        number(o.not_equal(x, y)),
        number(o.logical_and(x > 0, y > 0)),
        number(o.logical_or(x > 0, y > 0)),
        number(o.logical_not(x > 0)),
        o.where(x > y, x, y),
        o.where(x > 0, x, -1.0),
    ]


@case((4, 3), (4, 3), whole=True)
def arithmetic_of_integers(x, y):
    return [x + y, x - y, x * y, -x, o.abs(x), o.maximum(x, y), x + 2, o.sum(x, axis=1), o.max(x, axis=-1), o.cast(x, "float32") * 0.5]


@case((5, 4))
def activations(x):
    x = x * 4
    return [
        *(f(x) for f in (o.relu, o.relu6, o.sigmoid, o.log_sigmoid, o.softplus, o.softsign, o.silu, o.selu, o.elu)),
        *(f(x) for f in (o.leaky_relu, o.hard_sigmoid, o.hard_silu, o.tanh)),
        o.leaky_relu(x, 0.3),
        o.elu(x, 0.5),
        o.gelu(x),
        o.gelu(x, approximate=False),
        o.softmax(x),
        o.softmax(x, axis=1),
        o.log_softmax(x, axis=1),
    ]


@case((4, 5, 3))
def reductions(x):
    return [
        *(f(x, axis=1) for f in (o.mean, o.sum, o.prod, o.max, o.min, o.var, o.std, o.logsumexp)),
        o.mean(x, axis=(1, 2), keepdims=True),
        o.sum(x, axis=(2, 3)),
        o.max(x, axis=-1, keepdims=True),
        o.std(x, axis=(1, 2, 3)),
    ]


@case((4, 5, 3))
def reductions_over_the_batch(x):
    return [o.mean(x), o.sum(x, axis=0), o.max(x, axis=None, keepdims=True)]


@case((4, 5))
def indices_and_sums(x):
    return [
        o.argmax(x, axis=1),
        o.argmin(x, axis=-1),
        o.argmax(x, axis=2, keepdims=True),
        o.cumsum(x, axis=1),
        o.cast(o.any(x > 0.5, axis=1), "float32"),
        o.cast(o.all(x > -0.5, axis=-1), "float32"),
    ]


@case((4, 6))
def shapes(x):
    return [
        o.reshape(x, (-1, 24)),
        o.reshape(x, (-1, 3, 8)),
        o.transpose(x, (0, 2, 1)),
        o.expand_dims(x, 1),
        o.expand_dims(x, -1),
        o.squeeze(o.expand_dims(x, 2), axis=2),
        o.tile(x, (1, 2, 3)),
        o.repeat(x, 2, axis=1),
        o.flip(x, axis=1),
        o.flip(x, axis=(1, 2)),
    ]


@case((4, 6), (4, 2), (4, 6))
def joining_and_splitting(x, y, z):
    return [
        o.concatenate([x, y], axis=-1),
        o.concatenate([x, z, x], axis=1),
        o.stack([x, z], axis=1),
        o.stack([x, z], axis=-1),
        *o.split(x, 3, axis=-1),
        *o.split(x, [1, 3], axis=1),
    ]


@case((4, 6))
def padding(x):
    widths = [[0, 0], [1, 2], [2, 1]]
    return [
        o.pad(x, widths),
        o.pad(x, widths, constant_values=0.5),
        o.pad(x, widths, mode="reflect"),
        o.pad(x, widths, mode="symmetric"),
    ]


@case((4, 5, 3))
def items(x):
    return [
        x[:, 1:3],
        x[:, 0],
        x[:, -1],
        x[:, :, -2],
        x[:, ::2, 1:],
        x[:, ::-1],
        x[:, 3:0:-2],
        x[:, -2:, :-1],
        x[:, None, :, 1],
        x[:, :, :, None],
        x[:, 1, 2],
    ]


@case((3,), whole=True)
def hot_and_taken(x):
    table = np.arange(12, dtype="float32").reshape(4, 3)
    places = o.abs(x)
    return [o.one_hot(places, 4), o.take(table, places, axis=0)]


@case((4, 6), (6, 3), (6,))
def products(x, y, v):
    return [
        o.matmul(x, y),
        o.matmul(o.transpose(y, (0, 2, 1)), o.transpose(x, (0, 2, 1))),
        o.einsum("bij,bjk->bik", x, y),
        o.einsum("bij,bj->bi", x, v),
        o.einsum("...j,jk->...k", x, np.ones((6, 2), "float32")),
    ]


@case((6, 8, 2))
def resizing(x):
    return [
        o.image.resize(x, (4, 5)),
        o.image.resize(x, (9, 12)),
        o.image.resize(x, (3, 10), interpolation="nearest"),
        o.image.resize(x, (13, 4), interpolation="nearest"),
    ]


@case((4, 4, 3))
def between_convolutions(x):
    """Element-wise operations on what is held with its channels first."""
    h = keras.layers.MaxPooling2D(2, strides=1)(x)
    return [h * 2.0 + h, o.mean(h, axis=(1, 2)), o.max(h, axis=-1), o.softmax(h, axis=-1), h - o.mean(h, axis=-1, keepdims=True)]


@case((4, 4, 8), k=tf_keras)
def of_tensorflow_in_keras_2(x):
    return [
        tf.identity(x),
        tf.math.squared_difference(x, 0.5),
        tf.math.l2_normalize(x, axis=-1),
        tf.nn.depth_to_space(x, 2),
        tf.nn.space_to_depth(x, 2),
    ]


def listed(array):
    array = np.asarray(array)
    data = array.astype("float32").ravel()
    return {"shape": list(array.shape), "data": [float(f"{x:.8g}") for x in data]}


def make(name):
    shapes, whole, positive, k, build = CASES[name]
    random = np.random.RandomState(zlib.crc32(name.encode()) & 0x7FFFFFFF)
    k.backend.clear_session()
    inputs = [k.Input(shape, dtype="int32" if whole else "float32") for shape in shapes]
    model = k.Model(inputs, build(*inputs))
    if whole:
        values = [random.randint(-3, 4, (2, *shape)).astype("int32") for shape in shapes]
    else:
        low = 0.1 if positive else -0.9
        values = [random.uniform(low, 0.9, (2, *shape)).astype("float32") for shape in shapes]
    outputs = model(values if len(values) > 1 else values[0], training=False)
    return {
        "name": name,
        "keras": k.__version__,
        "config": json.loads(model.to_json()),
        "inputs": [listed(value) for value in values],
        "outputs": [listed(output) for output in outputs],
    }


if __name__ == "__main__":
    with open(sys.argv[1], "w") as file:
        json.dump({"cases": [make(name) for name in CASES]}, file)
        file.write("\n")
