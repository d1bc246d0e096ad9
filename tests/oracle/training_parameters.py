"""What matters only in training, of every network in keras.applications, for tests/zoo/training-parameters.test.ts.

Needs: tensorflow 2.18 and keras 3.15.
Run:   python tests/oracle/training_parameters.py

Writes tests/zoo/goldens/training-parameters.json: momentum and epsilon of the normalisations, and name, rate and noise
shape of every Dropout. No output at inference depends on momentum and dropout, so that the goldens of zoo.py are blind
for them.
"""

import gc
import json
import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import keras  # noqa: E402
from keras import applications  # noqa: E402

NAMES = [
    name
    for name in dir(applications)
    if callable(getattr(applications, name)) and name[0].isupper() and "XLarge" not in name and name != "NASNetLarge"
]


def unique(values):
    return sorted({json.dumps(value) for value in values})


def of(name):
    keras.backend.clear_session()
    # 96 pixels are enough for every network; the classes don't matter.
    model = getattr(applications, name)(weights=None, input_shape=(96, 96, 3), classes=2)
    layers = list(model._flatten_layers(include_self=False))
    of_kind = lambda kind: [layer for layer in layers if type(layer).__name__ == kind]  # noqa: E731
    return {
        "batchNormalization": [
            json.loads(value)
            for value in unique([layer.momentum, layer.epsilon] for layer in of_kind("BatchNormalization"))
        ],
        "layerNormalization": [
            json.loads(value) for value in unique(layer.epsilon for layer in of_kind("LayerNormalization"))
        ],
        "dropout": [[layer.name, layer.rate, layer.noise_shape] for layer in of_kind("Dropout")],
    }


def main():
    goldens = {}
    for name in NAMES:
        goldens[name.lower()] = of(name)
        gc.collect()
        print(name, goldens[name.lower()]["batchNormalization"], len(goldens[name.lower()]["dropout"]), flush=True)
    path = os.path.join(os.path.dirname(__file__), "..", "zoo", "goldens", "training-parameters.json")
    with open(path, "w") as file:
        lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(golden)}" for name, golden in sorted(goldens.items()))
        file.write("{\n" + lines + "\n}\n")


if __name__ == "__main__":
    main()
