"""The layers of Keras 2 and Keras 3, for the table of what the converter does with each.

Needs: tf_keras 2.18, keras 3.15
Run from the repository root: python tests/oracle/keras_layer_names.py
Writes tests/converters/goldens/keras-layer-names.json: the names of all layer classes of `keras.layers`, without
aliases and without the base classes that are no layers of their own.
"""

import json
import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""
os.environ["KERAS_BACKEND"] = "tensorflow"

import keras
import tf_keras

BASES = {"Layer", "Wrapper", "AbstractRNNCell"}


def names(k):
    found = set()
    for attribute in dir(k.layers):
        value = getattr(k.layers, attribute)
        if isinstance(value, type) and issubclass(value, k.layers.Layer) and value.__name__ not in BASES:
            aliases = [a for a in dir(k.layers) if getattr(k.layers, a) is value]
            found.add(value.__name__ if value.__name__ in aliases else aliases[0])
    return sorted(found)


path = os.path.join(os.path.dirname(__file__), "..", "converters", "goldens", "keras-layer-names.json")
with open(path, "w") as file:
    json.dump({"2": names(tf_keras), "3": names(keras)}, file, indent=1)
    file.write("\n")
