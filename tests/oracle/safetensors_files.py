"""A file by the safetensors library for our reader, and our writer's file read by that library.

Needs: safetensors 0.8, torch 2.x, numpy.
Run:   python tests/oracle/safetensors_files.py
       writes tests/converters/goldens/library.safetensors, and reads ours.safetensors beside it, which is what
       tests/converters/safetensors.test.ts expects our writer to write.
"""

from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from safetensors.numpy import load_file
from safetensors.torch import save_file

GOLDENS = Path(__file__).resolve().parent.parent / "converters" / "goldens"

save_file(
    {
        "conv.kernel": torch.tensor([[1.5, -2.25], [0.1, 3e38]], dtype=torch.float32),
        "conv.bias": torch.tensor([0.5, -65504.0, 6e-8], dtype=torch.float16),
        "bf.weight": torch.tensor([1.0, -3.140625, 1e38, float("inf")], dtype=torch.bfloat16),
        "double.weight": torch.tensor([0.1, -1e-300], dtype=torch.float64),
        "plain.int8": torch.tensor([-128, 127, 0], dtype=torch.int8),
        "plain.int64": torch.tensor([[-(2**31), 2**31 - 1]], dtype=torch.int64),
        "plain.bool": torch.tensor([True, False, True]),
        "scalar": torch.tensor(7.0),
        "empty.weight": torch.zeros((0, 4)),
        "quantised/kernel": torch.tensor([[-127, 64], [10, -1]], dtype=torch.int8),
        "quantised/kernel.scale": torch.tensor([[0.5, 0.25]], dtype=torch.bfloat16),
    },
    GOLDENS / "library.safetensors",
    metadata={"format": "pt", "licence": "Ünïcode \"quoted\""},
)

ours = GOLDENS / "ours.safetensors"
tensors = load_file(ours)
with safe_open(ours, "np") as file:
    print(dict(file.metadata()), list(file.keys()))
step = np.arange(12, dtype=np.float32).reshape(3, 4)
np.testing.assert_array_equal(tensors["dense/kernel"], (step - 5) / np.float32(8))
np.testing.assert_array_equal(tensors["half/bias"], np.array([0.5, -1.25, 65504], np.float16))
np.testing.assert_array_equal(tensors["count"], np.array([-(2**31), 2**31 - 1], np.int32))
np.testing.assert_array_equal(tensors["flags"], np.array([True, False, True]))
np.testing.assert_array_equal(tensors["__proto__/constructor"], np.array([4], np.float32))
assert tensors["small/kernel"].dtype == np.int8 and tensors["small/kernel.scale"].shape == (1, 4)
restored = tensors["small/kernel"].astype(np.float32) * tensors["small/kernel.scale"]
np.testing.assert_allclose(restored, step - 6, atol=0.06)
assert len(tensors) == 7, list(tensors)
print("ours.safetensors is read, with", len(tensors), "tensors")
