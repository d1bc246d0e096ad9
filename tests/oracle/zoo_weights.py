"""The weights of the goldens of zoo.py: a formula of a tensor's position and shape, so that no file is needed.

The same formula is in examples/keras-parity/seeded-weights.mjs.

- Tensors are numbered from 0 through all layers that hold weights, in the order of `model.layers`, nested models opened,
  inside a layer in the order of `layer.weights`. The number is the seed of the hash in seeded_weights.py, which gives
  `unit`, -0.5 to 0.5.
- Rank 2 and more: a kernel. `unit * 2 * gain * sqrt(6 / fan_in)`, that is `gain` times He's range, where `fan_in` is the
  product of all sizes but the last, or of the first two alone where the last is 1 (depthwise). `gain` is one number for
  each network, written down in zoo.py and in the golden: with it two different pictures end in different outputs after
  200 layers, and rounding is not magnified.
- Rank 1: its role follows from its place among the tensors of its layer. Beside a kernel: a bias. Four vectors: gamma,
  beta, mean, variance of a BatchNormalization. Three: beta, mean, variance of one without scale, or mean, variance of a
  Normalization, whose third is a scalar. Two: gamma, beta of a LayerNormalization. One: gamma of a LayerScale.
  gamma: `1 + 0.4 unit`. variance: `1 + unit`. beta, bias and mean: `unit / 2`.
- Rank 0: a count. 1.
"""

import numpy as np

from seeded_weights import hashed_unit


def leaves(layers):
    """Layers in order, nested models opened."""
    for layer in layers:
        if hasattr(layer, "layers"):
            yield from leaves(layer.layers)
        else:
            yield layer


def weight_bearing(model):
    return [layer for layer in model.layers if layer.weights]


def role(index, shapes):
    rank = len(shapes[index])
    if rank == 0:
        return "count"
    if rank >= 2:
        return "kernel"
    if any(len(shape) >= 2 for shape in shapes):
        return "bias"
    if len(shapes) == 4:
        return ("gamma", "beta", "mean", "variance")[index]
    if len(shapes) == 3:
        return (("mean", "variance") if len(shapes[2]) == 0 else ("beta", "mean", "variance"))[index]
    return ("gamma", "beta")[index]


def seeded_tensor(role, shape, seed, gain):
    if role == "count":
        return np.array(1)
    unit = hashed_unit(int(np.prod(shape)), seed)
    if role == "kernel":
        fan_in = int(np.prod(shape[:2] if shape[-1] == 1 else shape[:-1]))
        values = unit * (2 * gain * np.sqrt(6.0 / fan_in))
    else:
        middle, factor = {"gamma": (1, 0.4), "variance": (1, 1)}.get(role, (0, 0.5))
        values = middle + factor * unit
    return values.astype(np.float32).reshape(shape)


def fill(model, gain):
    seed = 0
    for layer in leaves(model.layers):
        shapes = [tuple(w.shape) for w in layer.weights]
        if not shapes:
            continue
        values = [seeded_tensor(role(i, shapes), shape, seed + i, gain) for i, shape in enumerate(shapes)]
        layer.set_weights(values)
        if hasattr(layer, "finalize_state"):
            # A Normalization computes with copies, which its own loaders renew and set_weights does not.
            layer.finalize_state()
        seed += len(shapes)
