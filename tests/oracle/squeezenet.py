"""Goldens for zoo/squeezenet.ts from real Keras.

Needs: tensorflow 2.18, tf_keras 2.18 (Keras 2) and keras 3 (comes with tensorflow).
Run:   python tests/oracle/squeezenet.py     (writes tests/zoo/goldens/squeezenet.json)

The graph is written down here once more, in Keras, from the paper's table 1 and rcmalli/keras-squeezenet's layer
names, and filled with the seeded weights of seeded_weights.py. Keras 2 and Keras 3 have to agree.
"""

import json
import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import numpy as np

sys.path.insert(0, os.path.dirname(__file__))
from seeded_weights import seeded_image, seeded_tensor


def build(keras, version, include_top, pooling, size, classes):
    layers = keras.layers
    stem, kernel, pool_after = {"1.1": (64, 3, (3, 5)), "1.0": (96, 7, (4, 8))}[version]
    x = image = keras.Input((size, size, 3))
    x = layers.Conv2D(stem, kernel, strides=2, padding="valid", activation="relu")(x)
    x = layers.MaxPooling2D(3, strides=2)(x)
    for number, (squeeze, expand) in enumerate(
        [(16, 64), (16, 64), (32, 128), (32, 128), (48, 192), (48, 192), (64, 256), (64, 256)], start=2
    ):
        x = layers.Conv2D(squeeze, 1, activation="relu")(x)
        left = layers.Conv2D(expand, 1, activation="relu")(x)
        right = layers.Conv2D(expand, 3, padding="same", activation="relu")(x)
        x = layers.Concatenate(axis=3)([left, right])
        if number in pool_after:
            x = layers.MaxPooling2D(3, strides=2)(x)
    if include_top:
        x = layers.Dropout(0.5)(x)
        x = layers.Conv2D(classes, 1, activation="relu")(x)
        x = layers.GlobalAveragePooling2D()(x)
        x = layers.Activation("softmax")(x)
    elif pooling == "avg":
        x = layers.GlobalAveragePooling2D()(x)
    elif pooling == "max":
        x = layers.GlobalMaxPooling2D()(x)
    return keras.Model(image, x)


def main():
    import keras as keras3
    import tf_keras as keras2

    cases = []
    for version in ("1.1", "1.0"):
        for include_top, pooling, size, classes in (
            (True, None, 64, 1000),
            (True, None, 71, 7),
            (False, "avg", 64, 1000),
            (False, "max", 97, 1000),
            (False, None, 48, 1000),
        ):
            outputs = []
            for keras in (keras2, keras3):
                model = build(keras, version, include_top, pooling, size, classes)
                seed = 0
                for layer in model.layers:
                    weights = layer.get_weights()
                    if weights:
                        layer.set_weights([seeded_tensor(w.shape, seed + i) for i, w in enumerate(weights)])
                        seed += len(weights)
                # Small, so that the softmax is far from one-hot.
                image = (seeded_image(size, size, 7) - np.float32(127.5)) / np.float32(2048)
                outputs.append(model.predict(image, verbose=0))
            difference = float(np.abs(outputs[0] - outputs[1]).max())
            assert difference < 1e-4, difference
            print(version, include_top, pooling, size, outputs[0].shape, "Keras 2 - Keras 3:", difference)
            cases.append(
                {
                    "version": version,
                    "includeTop": include_top,
                    "pooling": pooling,
                    "size": size,
                    "classes": classes,
                    "parameters": int(model.count_params()),
                    "shape": list(outputs[0].shape),
                    "output": [float(f"{v:.7g}") for v in outputs[0].ravel()],
                }
            )
    target = os.path.join(os.path.dirname(__file__), "..", "zoo", "goldens", "squeezenet.json")
    with open(target, "w") as file:
        json.dump(cases, file)
        file.write("\n")


main()
