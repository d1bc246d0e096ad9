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


# Keras 3 allows no slash in a name.
SLASH = "__"


def build(keras, version, include_top, pooling, shape, classes, activation="softmax"):
    layers = keras.layers
    stem, kernel, pool_after = {"1.1": (64, 3, (3, 5)), "1.0": (96, 7, (4, 8))}[version]

    def convolve(x, name, filters, size, **options):
        x = layers.Conv2D(filters, size, name=name, **options)(x)
        # `fire2/squeeze1x1` -> `fire2/relu_squeeze1x1`
        fire, slash, last = name.rpartition(SLASH)
        return layers.Activation("relu", name=f"{fire}{slash}relu_{last}")(x)

    x = image = keras.Input(shape, name="input_1")
    x = convolve(x, "conv1", stem, kernel, strides=2, padding="valid")
    x = layers.MaxPooling2D(3, strides=2, name="pool1")(x)
    for number, (squeeze, expand) in enumerate(
        [(16, 64), (16, 64), (32, 128), (32, 128), (48, 192), (48, 192), (64, 256), (64, 256)], start=2
    ):
        fire = f"fire{number}"
        x = convolve(x, f"{fire}{SLASH}squeeze1x1", squeeze, 1)
        left = convolve(x, f"{fire}{SLASH}expand1x1", expand, 1)
        right = convolve(x, f"{fire}{SLASH}expand3x3", expand, 3, padding="same")
        x = layers.Concatenate(axis=3, name=f"{fire}{SLASH}concat")([left, right])
        if number in pool_after:
            x = layers.MaxPooling2D(3, strides=2, name=f"pool{number}")(x)
    if include_top:
        x = layers.Dropout(0.5, name="drop9")(x)
        x = convolve(x, "conv10", classes, 1)
        x = layers.GlobalAveragePooling2D(name="global_average_pooling2d_1")(x)
        x = layers.Activation(activation or "linear", name="loss")(x)
    elif pooling == "avg":
        x = layers.GlobalAveragePooling2D(name="avg_pool")(x)
    elif pooling == "max":
        x = layers.GlobalMaxPooling2D(name="max_pool")(x)
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
                model = build(keras, version, include_top, pooling, (size, size, 3), classes)
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


if __name__ == "__main__":
    main()
