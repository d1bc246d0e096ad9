"""Loads files that the converter wrote with real Keras 2 and Keras 3, and compares what they compute with the corpus.

Needs: tensorflow 2.18, tf_keras 2.18, keras 3.15, h5py 3.
Run from the repository root: python tests/oracle/keras_files.py FOLDER
FOLDER holds NAME.SOURCE.*.to.h5 and NAME.SOURCE.*.to.keras, where NAME is a model of tests/converters/corpus and SOURCE is
keras2 or keras3, the version that wrote what was converted. `.h5` files are loaded by Keras 2, and by Keras 3 where
it can; `.keras` files by Keras 3. NAME.SOURCE.*.to.weights-only.h5 and NAME.SOURCE.*.to.weights.h5 are weights for the same models,
whose own are set to zero before. `DOVECOTE_KERAS_FILES=FOLDER npx vitest run tests/converters-keras/written-files.test.ts`
makes such a folder.
"""

import glob
import json
import os
import sys

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras as keras3
import numpy as np
import tensorflow as tf
import tf_keras as keras2

CORPUS = os.path.join(os.path.dirname(__file__), "..", "converters", "corpus")
LIMIT = 1e-5


def array(listed):
    return np.array(listed["data"], "float32").reshape(listed["shape"])


def called(model, values):
    given = values if len(values) > 1 else values[0]
    return [np.asarray(tf.cast(y, tf.float32)) for y in tf.nest.flatten(model(given, training=False))]


def difference(load, path, golden, source):
    outputs = golden["outputs"][source] or golden["outputs"]["2"]
    found = called(load(path), [array(x) for x in golden["inputs"]])
    expected = [array(y) for y in outputs]
    if [y.shape for y in found] != [y.shape for y in expected]:
        raise ValueError(f"shapes {[y.shape for y in found]} for {[y.shape for y in expected]}")
    return max((float(np.max(np.abs(a - b))) for a, b in zip(found, expected, strict=True) if a.size), default=0.0)


def with_weights(keras, whole):
    """Loads the model of a whole file, forgets its weights and takes those of another file."""

    def load(path):
        model = keras.models.load_model(path.rsplit(".to.", 1)[0] + whole, compile=False)
        for weight in model.weights:
            weight.assign(np.zeros(tuple(weight.shape), np.asarray(weight).dtype))
        model.load_weights(path)
        for layer in model.layers:
            if hasattr(layer, "finalize_state"):
                layer.finalize_state()
        return model

    return load


def main():
    loaders = {
        "weights-only.h5": [("Keras 2", with_weights(keras2, ".to.h5"))],
        "weights.h5": [("Keras 3", with_weights(keras3, ".to.keras"))],
        "h5": [("Keras 2", lambda path: keras2.models.load_model(path, compile=False))],
        "keras": [("Keras 3", lambda path: keras3.models.load_model(path, compile=False))],
    }
    if "--h5-in-keras3" in sys.argv:
        loaders["h5"].append(("Keras 3", lambda path: keras3.models.load_model(path, compile=False)))
    folder = [item for item in sys.argv[1:] if not item.startswith("--")][0]
    counts = {}
    for path in sorted(glob.glob(os.path.join(folder, "*.to.*"))):
        name, source = os.path.basename(path).split(".")[:2]
        with open(os.path.join(CORPUS, f"{name}.json")) as file:
            golden = json.load(file)
        ending = path.rsplit(".to.", 1)[1]
        for keras, load in loaders[ending]:
            key = f".{ending} in {keras}"
            good, bad = counts.setdefault(key, [0, 0])
            try:
                keras2.backend.clear_session()
                keras3.backend.clear_session()
                largest = difference(load, path, golden, source[-1])
                ok = largest <= LIMIT
                if not ok:
                    print(f"DIFFERS {os.path.basename(path)} in {keras}: {largest}")
            except Exception as error:  # noqa: BLE001: the list goes on
                ok = False
                reason = " ".join(str(error).split())[:400]
                print(f"FAILED {os.path.basename(path)} in {keras}: {type(error).__name__} {reason}")
            counts[key] = [good + ok, bad + (not ok)]
    for key, (good, bad) in counts.items():
        print(f"{key}: {good} equal within {LIMIT}, {bad} not")
    sys.exit(1 if any(bad for _, bad in counts.values()) else 0)


if __name__ == "__main__":
    main()
