"""Golden for the ResNet50 of 2016: file order, names, and what the network gives out.

Needs: Keras 1.2.2 with tensorflow 1.4 (Python 3.6), h5py 2.10, numpy 1.16, KERAS_BACKEND=tensorflow.
Run:   python tests/oracle/resnet50_2016.py                (writes tests/zoo/goldens/resnet50-2016.json)
       python tests/oracle/resnet50_2016.py --file PATH    (also writes the weights as Keras 1 saves them)

The weights are those of zoo_weights.py's formula, numbered in the order of this network's own layers.
"""

import argparse
import base64
import json
import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["KERAS_BACKEND"] = "tensorflow"
import numpy as np

sys.path.insert(0, os.path.dirname(__file__))
from seeded_weights import seeded_image
from zoo_weights import fill

SIDE = 224
# As zoo.py has it for ResNet.
GAIN = 0.7
GOLDEN = os.path.join(os.path.dirname(__file__), "..", "zoo", "goldens", "resnet50-2016.json")


def pictures():
    """As in zoo.py: tiles of 16 x 16 pixels, and noise that darkens towards the upper left corner; -1 to 1."""
    rows, columns = np.arange(SIDE), np.arange(SIDE)
    across = -(-SIDE // 16)
    tiles = seeded_image(across, across, 7)[0][rows[:, None] // 16, columns[None, :] // 16]
    light = (rows[:, None] + columns[None, :]) / (2 * SIDE - 2)
    noise = (seeded_image(SIDE, SIDE, 8)[0].astype(np.float64) * light[:, :, None]).astype(np.float32)
    return np.stack([tiles, noise]) / np.float32(127.5) - np.float32(1)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--file")
    arguments = parser.parse_args()
    import keras
    from keras.applications.resnet50 import ResNet50
    from keras.models import Model

    keras.backend.set_image_dim_ordering("tf")
    model = ResNet50(weights=None)
    # A Merge names the layers before it as if it held them.
    fill(argparse.Namespace(layers=[layer for layer in model.layers if layer.weights]), GAIN)
    if arguments.file:
        model.save_weights(arguments.file)
    pooled = Model(model.input, model.get_layer("avg_pool").output).predict(pictures()).reshape(2, -1)
    kernel, bias = model.get_layer("fc1000").get_weights()
    logits = (pooled @ kernel + bias).astype("<f4")
    document = {
        "keras": keras.__version__,
        "layers": [
            [layer.name, [[w.name, list(value.shape)] for w, value in zip(layer.weights, layer.get_weights())]]
            for layer in model.layers
        ],
        "output": {
            "shape": list(logits.shape),
            "range": [float(logits.min()), float(logits.max())],
            "values": base64.b64encode(logits.tobytes()).decode(),
        },
    }
    with open(GOLDEN, "w") as file:
        json.dump(document, file)
        file.write("\n")
    print(keras.__version__, logits.min(), logits.max(), np.abs(logits[0] - logits[1]).max())


if __name__ == "__main__":
    main()
