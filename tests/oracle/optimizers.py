"""Goldens of optimizers, schedules and clipping, from Keras 3 (and PyTorch's formula for one-cycle, where torch is there).

    python tests/oracle/optimizers.py > tests/optimizers/golden.json
"""
import json
import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["KERAS_BACKEND"] = "tensorflow"
import keras
import numpy as np

STEPS = 6


def gradient(step, index):
    """A formula, so that the test computes the same numbers."""
    size = [6, 3][index]
    return np.array([np.sin(1 + 3 * step + 7 * index + i) * (1 + i) for i in range(size)], "float32")


def run(optimizer):
    variables = [
        keras.Variable(np.array([[0.5, -1, 2], [0.1, 0, -3]], "float32")),
        keras.Variable(np.array([1, -2, 0.25], "float32")),
    ]
    optimizer.build(variables)
    rows = []
    for step in range(STEPS):
        gradients = [gradient(step, i).reshape(v.shape) for i, v in enumerate(variables)]
        optimizer.apply([keras.ops.convert_to_tensor(g) for g in gradients], variables)
        rows.append([np.asarray(v).ravel().tolist() for v in variables])
    return rows


cases = {
    "adamW": run(keras.optimizers.AdamW(learning_rate=0.02, weight_decay=0.05)),
    "clipNorm": run(keras.optimizers.SGD(learning_rate=0.1, clipnorm=1.5)),
    "clipValue": run(keras.optimizers.SGD(learning_rate=0.1, clipvalue=0.75)),
    "globalClipNorm": run(keras.optimizers.SGD(learning_rate=0.1, global_clipnorm=2.0)),
}
cosine = keras.optimizers.schedules.CosineDecay(0.3, 40, alpha=0.1)
warm = keras.optimizers.schedules.CosineDecay(0.0, 30, alpha=0.0, warmup_target=0.3, warmup_steps=10)
schedules = {
    "cosine": [float(cosine(step)) for step in range(40)],
    # Behind the warm-up both are the same; Keras's own warm-up begins with a step at rate 0.
    "cosineBehindWarmUp": [float(warm(step)) for step in range(10, 40)],
}
smoothed = keras.losses.CategoricalCrossentropy(label_smoothing=0.2)
schedules["smoothedLoss"] = float(
    smoothed(np.array([[0, 1, 0], [1, 0, 0]], "float32"), np.array([[0.2, 0.7, 0.1], [0.5, 0.25, 0.25]], "float32"))
)
try:
    import torch

    parameter = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([parameter], lr=0.1)
    cycle = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.3, total_steps=40, pct_start=0.25)
    rates = []
    for _ in range(40):
        rates.append(cycle.get_last_lr()[0])
        optimizer.step()
        if len(rates) < 40:
            cycle.step()
    schedules["oneCycle"] = rates
except ImportError:
    pass
print(json.dumps({"optimizers": cases, "schedules": schedules}))
