"""Makes tests/converters/goldens/masks-of-versions.json: models in which Keras 3 uses other masks than Keras 2.

Each is built by both with the same weights and inputs; stored are the configs and the outputs.

Needs: tensorflow 2.18, tf_keras 2.18, keras 3.15. Usage: python masks_of_versions.py OUTPUT.json
"""

import json
import os
import sys

os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
os.environ["KERAS_BACKEND"] = "tensorflow"

import keras as keras3
import numpy as np
import tf_keras as keras2

TOKENS = [[[1, 0, 2, 0], [3, 4, 0, 0]], [[0, 1, 2, 0], [1, 0, 3, 0]]]


def models(k):
    L = k.layers
    x, y = L.Input((4,), name="x"), L.Input((4,), name="y")

    def embedded(tokens):
        return L.Embedding(5, 3, mask_zero=True)(tokens)

    def scaled():
        return k.Sequential([L.Input((4, 3)), L.Rescaling(2.0), L.LSTM(2)])

    yield "Rescaling in a Sequential", k.Sequential([L.Input((4,)), L.Embedding(5, 3, mask_zero=True), L.Rescaling(2.0), L.LSTM(2)])
    yield "Rescaling in a Sequential that a mask enters", k.Model(x, scaled()(embedded(x)))
    inner = k.Sequential([L.Input((4,)), L.Embedding(5, 3, mask_zero=True)])
    yield "Rescaling behind a Sequential that a mask leaves", k.Model(x, L.LSTM(2)(L.Rescaling(2.0)(inner(x))))
    for axis in (-1, 2):
        joined = L.Concatenate(axis=axis)([embedded(x), embedded(y)])
        yield f"Concatenate along axis {axis}", k.Model([x, y], L.GlobalAveragePooling1D()(joined))
    inner = k.Sequential([L.Input((2, 1)), L.Masking(), L.Rescaling(2.0, 1.0), L.LSTM(2)])
    wrapped = L.TimeDistributed(inner)(L.Reshape((2, 2, 1))(x))
    yield "Rescaling in a Sequential within a wrapper", k.Model(x, wrapped)


def shapes(layers, path=()):
    found = []
    for layer in layers:
        here = (*path, layer.name)
        if hasattr(layer, "layers"):
            found += shapes(layer.layers, here)
        elif layer.weights:
            found.append({"layer": here, "shapes": [list(w.shape) for w in layer.weights]})
    return found


def judged(k):
    found = {}
    for name, model in models(k):
        model.set_weights([np.random.RandomState(i).normal(0, 0.5, w.shape) for i, w in enumerate(model.get_weights())])
        values = [np.array(rows, "float32") for rows in TOKENS[: len(model.inputs)]]
        output = np.asarray(model(values if len(values) > 1 else values[0]))
        found[name] = {"config": json.loads(model.to_json()), "weights": shapes(model.layers), "output": [float(f"{v:.6g}") for v in output.ravel()]}
    return found


two, three = judged(keras2), judged(keras3)
cases = [{"name": name, "keras2": two[name], "keras3": three[name]} for name in two]
with open(sys.argv[1], "w") as file:
    json.dump({"cases": cases}, file, separators=(",", ":"))
    file.write("\n")
for case in cases:
    print(case["name"], case["keras2"]["output"][:3], case["keras3"]["output"][:3])
