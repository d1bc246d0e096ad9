"""The converter's corpus: small models with every layer that the converter reads, written by real Keras 2 and Keras 3.

Needs: tensorflow 2.18, tf_keras 2.18, keras 3.15, h5py 3.
Run from the repository root: python tests/oracle/converter_corpus.py [NAME...]
Writes tests/converters/corpus/NAME.{keras2,keras3}.{h5,keras}.gz and NAME.json: the inputs, and what each Keras says of
them. Weights and inputs come from a seeded generator; both Keras versions get the same ones, in the order of
`model.weights`, and must agree on the outputs where the model means the same in both.
"""

import gzip
import json
import os
import sys
import tempfile
import zlib

from corpus import MODELS, keras2, keras3

import numpy as np
import tensorflow as tf

FOLDER = os.path.join(os.path.dirname(__file__), "..", "converters", "corpus")


def seeded(name):
    return np.random.RandomState(zlib.crc32(name.encode()) & 0x7FFFFFFF)


def randomize(model, name):
    """Weights of a size that lets every layer matter; variances stay positive; counters and seeds stay."""
    rng = seeded(name)
    for weight in model.weights:
        if not np.dtype(str(weight.dtype).replace("<dtype: '", "").replace("'>", "")).kind == "f":
            continue
        values = rng.normal(0, 0.3, tuple(weight.shape)).astype("float32")
        if MODELS[name]["coarse"]:
            # Few different numbers, so that the files of larger networks pack well, and of a size that lets rounding stay small.
            inputs = weight.shape[0] * weight.shape[1] * (1 if "depthwise" in weight.path else weight.shape[2]) if len(weight.shape) == 4 else 100
            values = np.round(values / 0.3).astype("float32") / np.float32(np.sqrt(inputs))
        path = getattr(weight, "path", weight.name)
        if "variance" in path:
            values = np.abs(values) + 0.5
        elif path.endswith(("gamma", "gamma:0")) or "scale" in path.split("/")[-1]:
            values = values + 1
        weight.assign(values)


def inputs_of(model, name, integers):
    rng = seeded(name + "/inputs")
    values = []
    for tensor in model.inputs:
        shape = [2 if i == 0 else (9 if d is None else d) for i, d in enumerate(tensor.shape)]
        top = integers.get(tensor.name.split(":")[0])
        if top is not None:
            values.append(rng.randint(0, top, shape).astype("float32"))
        else:
            values.append(rng.uniform(-1, 1, shape).astype("float32"))
    if name == "masking":
        values[0][0, 1] = 0
        values[0][1, 3:] = 0
    return values


def called(model, values):
    names = [tensor.name.split(":")[0] for tensor in model.inputs]
    by_name = any(isinstance(getattr(model, key, None), dict) for key in ("_nested_inputs", "_inputs_struct"))
    given = dict(zip(names, values)) if by_name else values if len(values) > 1 else values[0]
    outputs = model(given, training=False)
    return [np.asarray(tf.cast(y, tf.float32)) for y in tf.nest.flatten(outputs)]


def listed(array):
    return {"shape": list(array.shape), "data": [float(f"{x:.8g}") for x in np.asarray(array, "float32").ravel()]}


def compress(path, to):
    with open(path, "rb") as file:
        data = file.read()
    with open(to, "wb") as out, gzip.GzipFile(fileobj=out, mode="wb", mtime=0, filename="") as packed:
        packed.write(data)
    return len(data)


def float32_twin(build, k, L, name):
    """The same network without its mixed policies, for what `mixed_precision` should compute."""

    class Layers:
        def __getattr__(self, attribute):
            made = getattr(L, attribute)
            return lambda *args, **kwargs: made(*args, **{key: v for key, v in kwargs.items() if key != "dtype"})

    twin = build(k, Layers())
    randomize(twin, name)
    return twin


def write(name, folder):
    entry = MODELS[name]
    golden = {"same": entry["same"], "outputs": {}, "parameters": {}}
    for version in entry["versions"]:
        k = keras2 if version == "2" else keras3
        k.backend.clear_session()
        built = entry["build"](k, k.layers)
        randomize(built, name)
        for layer in built.layers:
            # What Normalization computes with is made of its weights when they are loaded.
            if hasattr(layer, "finalize_state"):
                layer.finalize_state()
        values = inputs_of(built, name, entry["integers"])
        judged = float32_twin(entry["build"], k, k.layers, name) if name == "mixed_precision" else built
        outputs = called(judged, values)
        golden["inputs"] = [listed(v) for v in values]
        golden["outputs"][version] = [listed(y) for y in outputs]
        golden["parameters"][version] = int(built.count_params())
        with tempfile.TemporaryDirectory() as work:
            for ending in ("h5", "keras"):
                if f"keras{version}.{ending}" in entry["without"]:
                    continue
                path = os.path.join(work, f"model.{ending}")
                built.save(path)
                compress(path, os.path.join(folder, f"{name}.keras{version}.{ending}.gz"))
    if entry["same"] and len(entry["versions"]) == 2:
        for a, b in zip(golden["outputs"]["2"], golden["outputs"]["3"], strict=True):
            difference = np.max(np.abs(np.array(a["data"]) - np.array(b["data"])))
            assert a["shape"] == b["shape"] and difference < 2e-6, f"{name}: Keras 2 and 3 differ by {difference}"
        golden["outputs"] = {"2": golden["outputs"]["2"], "3": None}
    with open(os.path.join(folder, f"{name}.json"), "w") as file:
        json.dump(golden, file, separators=(",", ":"))
        file.write("\n")


def main():
    folder = os.path.abspath(FOLDER)
    os.makedirs(folder, exist_ok=True)
    failed = 0
    for name in sys.argv[1:] or MODELS:
        try:
            write(name, folder)
            print("ok", name)
        except Exception as error:  # noqa: BLE001: the list goes on
            failed += 1
            print("FAILED", name, type(error).__name__, str(error).splitlines()[0][:300])
    print(len(MODELS), "models,", failed, "failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
