"""Checks ONNX files with the reference checker (with strict shape inference) and says what is in them.

Where a file is of the converter's corpus (NAME.keras2.h5.onnx), ONNX Runtime for Python runs it, and its outputs must be
those of Keras in tests/converters/corpus/NAME.json within 1e-5.

Needs: onnx, onnxruntime, numpy. Usage: python onnx_check.py [--quiet] FILE.onnx|FOLDER ...
To get the files: `ONNX_CORPUS=FOLDER npx vitest run tests/converters-onnx/corpus.test.ts` writes all of the corpus's.
"""

import collections
import json
import os
import sys

import numpy as np
import onnx
import onnxruntime

CORPUS = os.path.join(os.path.dirname(__file__), "..", "converters", "corpus")
TYPES = {"tensor(float)": "float32", "tensor(int32)": "int32", "tensor(bool)": "bool"}


def golden_of(path):
    name, keras = (os.path.basename(path).split(".") + [""])[:2]
    golden = os.path.join(CORPUS, f"{name}.json")
    if not keras.startswith("keras") or not os.path.exists(golden):
        return None
    with open(golden) as file:
        found = json.load(file)
    outputs = found["outputs"]
    return found["inputs"], outputs.get(keras[-1]) or outputs["2"]


def array(listed, dtype="float32"):
    return np.array(listed["data"], dtype).reshape(listed["shape"])


def run(path, golden):
    """The largest difference from Keras, relative to numbers above 1."""
    inputs, outputs = golden
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    feeds = {
        value.name: array(listed, TYPES[value.type]) for value, listed in zip(session.get_inputs(), inputs, strict=True)
    }
    largest = 0.0
    for given, listed in zip(session.run(None, feeds), outputs, strict=True):
        expected = array(listed)
        assert given.shape == expected.shape, f"{given.shape} for {expected.shape}"
        if expected.size > 0:
            difference = np.abs(given.astype("float32") - expected) / np.maximum(1, np.abs(expected))
            largest = max(largest, float(np.max(difference)))
    return largest


def check(path, quiet):
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    golden = golden_of(path)
    difference = None if golden is None else run(path, golden)
    assert difference is None or difference <= 1e-5, f"differs from Keras by {difference}"
    if not quiet:
        operators = collections.Counter(node.op_type for node in model.graph.node)
        print(path, "IR", model.ir_version, "opset", model.opset_import[0].version, dict(operators), difference)
    return golden is not None


def main():
    arguments = [argument for argument in sys.argv[1:] if argument != "--quiet"]
    paths = []
    for argument in arguments:
        inside = sorted(os.listdir(argument)) if os.path.isdir(argument) else None
        paths += [argument] if inside is None else [os.path.join(argument, name) for name in inside]
    failed = compared = 0
    for path in paths:
        try:
            compared += check(path, len(arguments) < len(sys.argv) - 1)
        except Exception as error:  # noqa: BLE001: the list goes on
            failed += 1
            print("FAILED", path, type(error).__name__, str(error).splitlines()[0][:300])
    print(len(paths), "files,", compared, "compared with Keras,", failed, "failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
