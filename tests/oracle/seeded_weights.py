"""Weights and pictures that need no file: the same integer hash in Python and in tests/support/seeded.ts."""

import numpy as np


def hashed_unit(count, seed):
    """`count` float64 values in [-0.5, 0.5), exact in both languages."""
    index = np.arange(count, dtype=np.uint64)
    value = (index * np.uint64(2654435761) + np.uint64(seed) * np.uint64(40503)) & np.uint64(0xFFFFFFFF)
    value ^= value >> np.uint64(15)
    value = (value * np.uint64(2246822519)) & np.uint64(0xFFFFFFFF)
    value ^= value >> np.uint64(13)
    return value.astype(np.float64) / 4294967296.0 - 0.5


def seeded_tensor(shape, seed):
    """Kernels in He's range, vectors small; float32."""
    fan_in = int(np.prod(shape[:-1])) if len(shape) > 1 else 100
    scale = 2.0 * np.sqrt(6.0 / max(fan_in, 1))
    return (hashed_unit(int(np.prod(shape)), seed) * scale).astype(np.float32).reshape(shape)


def seeded_image(height, width, seed):
    """Float32 `[1, height, width, 3]`, 0 to 255."""
    values = (hashed_unit(height * width * 3, seed) + 0.5) * 255.0
    return values.astype(np.float32).reshape(1, height, width, 3)
