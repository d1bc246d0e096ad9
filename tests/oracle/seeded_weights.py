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


def seeded_weight(name, shape, seed):
    """
    A weight by its Keras name, so that deep networks with BatchNormalization neither die nor explode, nor magnify
    rounding: kernels in 0.85 of He's range (depthwise ones by their window alone), gammas 0.8 to 1.2, variances 0.5 to
    1.5, betas -1 to 1, other vectors -0.25 to 0.25.
    """
    unit = hashed_unit(int(np.prod(shape)), seed)
    if name.endswith("kernel"):
        fan_in = int(np.prod(shape[:2] if name.startswith("depthwise") else shape[:-1]))
        values = unit * (1.7 * np.sqrt(6.0 / fan_in))
    elif name == "gamma":
        values = 1.0 + 0.4 * unit
    elif name == "moving_variance":
        values = 1.0 + unit
    else:
        values = (2.0 if name == "beta" else 0.5) * unit
    return values.astype(np.float32).reshape(shape)
