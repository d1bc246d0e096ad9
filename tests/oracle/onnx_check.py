"""Checks ONNX files with the reference checker (with shape inference) and prints their operators.

Needs: onnx. Usage: python onnx_check.py FILE.onnx ...
To get a file: write the bytes of writeOnnxModel() to disk.
"""

import collections
import sys

import onnx

for path in sys.argv[1:]:
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    operators = collections.Counter(node.op_type for node in model.graph.node)
    print(path, "IR", model.ir_version, "opset", model.opset_import[0].version, dict(operators))
