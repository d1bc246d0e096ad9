"""The models by name, and what is known of each."""

import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""
os.environ["KERAS_BACKEND"] = "tensorflow"

import keras as keras3
import tf_keras as keras2

__all__ = ["MODELS", "functional", "keras2", "keras3", "model"]

MODELS = {}


def model(versions="23", inputs=None, same=True, without=(), coarse=False):
    """
    `versions` that have these layers; `inputs` maps an input's name to a highest integer; `same`: both agree;
    `without`: files that Keras cannot write.
    """

    def register(build):
        entry = {"build": build, "versions": versions, "integers": inputs or {}, "same": same, "without": without, "coarse": coarse}
        MODELS[build.__name__] = entry
        return build

    return register


def functional(k, inputs, outputs, name=None):
    return k.Model(inputs, outputs, **({} if name is None else {"name": name}))
