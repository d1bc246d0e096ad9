"""Small seeded models written by real Keras 1, with inputs and the outputs that Keras 1 gives.

Needs: Python 3.6, keras 1.2.2, theano 0.9, tensorflow 1.4, h5py 2.10, numpy 1.16.
Run from the repository root, once for each backend and dimension ordering:
    KERAS_BACKEND=tensorflow python tests/oracle/converters_keras1.py tf
    KERAS_BACKEND=theano     python tests/oracle/converters_keras1.py th
    KERAS_BACKEND=tensorflow python tests/oracle/converters_keras1.py th crossed
    KERAS_BACKEND=theano     python tests/oracle/converters_keras1.py tf crossed
Writes tests/converters/goldens/keras1_*.h5.gz and keras1_goldens_*.json.
"""

import gzip
import json
import os
import sys

import numpy as np
from keras import backend as K

ORDER = sys.argv[1]
CROSSED = len(sys.argv) > 2
SUFFIX = ORDER + "_" + K.backend() if CROSSED else ORDER
K.set_image_dim_ordering(ORDER)

from keras.layers import (  # noqa: E402
    Activation, AtrousConvolution2D, AveragePooling2D, BatchNormalization, Convolution1D, Convolution2D, Dense, Dropout,
    Embedding, Flatten, GlobalAveragePooling2D, GRU, Input, LeakyReLU, LSTM, MaxPooling2D, SeparableConvolution2D,
    TimeDistributed, UpSampling2D, ZeroPadding2D, merge)
from keras.models import Model, Sequential  # noqa: E402
from keras.regularizers import l2  # noqa: E402

FOLDER = os.path.join(os.path.dirname(__file__), "..", "converters", "goldens")
RNG = np.random.RandomState(11)
GOLDENS = {}


def shape(size, channels):
    return (size, size, channels) if ORDER == "tf" else (channels, size, size)


def randomize(model):
    """Weights of a size that lets every layer matter; variances stay positive."""
    for weight in model.weights:
        values = RNG.normal(0, 0.3, K.get_value(weight).shape).astype("float32")
        K.set_value(weight, np.abs(values) + 0.5 if "std" in weight.name else values)


def flat(value):
    array = np.asarray(value, "float32")
    return {"shape": list(array.shape), "data": [float("%.8g" % x) for x in array.ravel()]}


def save(name, model, indices=False):
    randomize(model)
    shapes = [[2 if d is None else d for d in i._keras_shape] for i in model.inputs]
    inputs = [RNG.randint(0, 6, s) if indices else RNG.uniform(-1, 1, s).astype("float32") for s in shapes]
    outputs = model.predict(inputs if len(inputs) > 1 else inputs[0])
    outputs = outputs if isinstance(outputs, list) else [outputs]
    file_name = "keras1_%s_%s.h5" % (name, SUFFIX)
    model.save(os.path.join(FOLDER, file_name))
    GOLDENS[file_name] = {"inputs": [flat(x) for x in inputs], "outputs": [flat(y) for y in outputs], "parameters": int(model.count_params())}


def network():
    axis = -1 if ORDER == "tf" else 1
    i = Input(shape(9, 3), name="image")
    x = ZeroPadding2D((1, 1))(i)
    x = Convolution2D(4, 3, 2, border_mode="valid", subsample=(2, 2), W_regularizer=l2(0.01), name="fire/conv")(x)
    if ORDER == "tf":
        x = BatchNormalization(axis=axis, name="bn")(x)
    x = Activation("relu")(x)
    a = Convolution2D(4, 3, 3, border_mode="same", init="he_normal", bias=False)(x)
    if ORDER == "tf":
        b = SeparableConvolution2D(4, 3, 3, border_mode="same")(x)
        c = AtrousConvolution2D(4, 2, 2, atrous_rate=(2, 2), border_mode="same")(x)
    else:
        b = Convolution2D(4, 1, 1, activation="tanh")(x)
        c = LeakyReLU(0.2)(x)
    s = merge([a, b], mode="sum")
    m = merge([a, c], mode="mul")
    x = merge([s, m, merge([b, c], mode="ave"), merge([a, c], mode="max")], mode="concat", concat_axis=axis)
    p = MaxPooling2D((2, 2), strides=(1, 1), border_mode="valid")(x)
    q = AveragePooling2D((2, 2), strides=(1, 1))(x)
    x = merge([p, q], mode="concat", concat_axis=axis)
    x = UpSampling2D((2, 2))(x)
    x = Dropout(0.5)(x)
    g = GlobalAveragePooling2D()(x)
    save("network", Model(i, [Dense(3, activation="softmax", name="probabilities")(g), Dense(2)(Flatten()(x))]))


def sequential():
    model = Sequential()
    model.add(Convolution2D(3, 3, 3, input_shape=shape(6, 3), activation="relu"))
    model.add(MaxPooling2D((2, 2)))
    model.add(Flatten())
    model.add(Dense(4, activation="sigmoid"))
    outer = Sequential([model, Dense(2)])
    save("sequential", outer)


def recurrent():
    i = Input((5,), name="words")
    x = Embedding(6, 3, input_length=5)(i)
    x = Convolution1D(4, 3, border_mode="same", activation="relu")(x)
    x = LSTM(3, return_sequences=True)(x)
    x = TimeDistributed(Dense(2))(x)
    x = GRU(2)(x)
    save("recurrent", Model(i, x), indices=True)


def ambiguous():
    """All kernels 3x3 with 3 channels in and out: nothing but the config tells how they are stored."""
    i = Input(shape(5, 3))
    x = Convolution2D(3, 3, 3)(i)
    save("ambiguous", Model(i, Convolution2D(3, 3, 3)(x)))


def normalized():
    i = Input(shape(4, 3))
    save("normalized", Model(i, BatchNormalization(axis=-1 if ORDER == "tf" else 1, name="bn")(Convolution2D(2, 2, 2)(i))))


def pack(prefix):
    """The goldens as .gz: most of a small HDF5 file is empty space."""
    for name in sorted(os.listdir(FOLDER)):
        if name.startswith(prefix) and name.endswith(".h5"):
            path = os.path.join(FOLDER, name)
            with open(path, "rb") as f, open(path + ".gz", "wb") as out:
                with gzip.GzipFile(fileobj=out, mode="wb", mtime=0, filename="") as packed:
                    packed.write(f.read())
            os.remove(path)


if __name__ == "__main__":
    for make in (ambiguous,) if CROSSED else (network, sequential, recurrent, ambiguous, normalized):
        make()
    with open(os.path.join(FOLDER, "keras1_goldens_%s.json" % SUFFIX), "w") as f:
        json.dump(GOLDENS, f)
    pack("keras1_")
