"""Goldens for zoo/efficientnet-lite.ts from timm, an implementation in PyTorch that knows nothing of ours.

Needs: torch 2.x (CPU), timm 1.0.31, numpy.
Run:   python tests/oracle/efficientnet_lite.py     (writes tests/zoo/goldens/efficientnet-lite.json)

timm's `tf_efficientnet_lite0` to `4` are filled with the seeded weights of seeded_weights.py, numbered in the order of
our layers, and run on `(x - 127) / 128` of seeded pictures. timm's own mean and deviation play no part: they belong to
its data loaders, not to its networks. It computes in float64; its own float32 has to be near that, or rounding would
decide what is near. Odd and oblong pictures prove TensorFlow's "same" padding.
"""

import base64
import json
import string
from pathlib import Path

import numpy as np
import timm
import torch

from seeded_weights import seeded_image, seeded_weight

GOLDEN = Path(__file__).resolve().parent.parent / "zoo" / "goldens" / "efficientnet-lite.json"
BATCH_NORM = [("weight", "gamma"), ("bias", "beta"), ("running_mean", "moving_mean"), ("running_var", "moving_variance")]

# Version, height, width, what is taken: logits and probabilities, each n-th channel of the feature map, or a pooled map.
CASES = [
    (0, 224, 224, "logits", 1),
    (0, 224, 224, "probabilities", 1),
    (4, 65, 38, "logits", 1),
    *[(version, 33, 47, "map", 8) for version in range(5)],
    *[(version, 50, 39, "avg", 4) for version in range(5)],
    (0, 97, 64, "map", 16),
    (2, 81, 35, "max", 4),
]


def layer_names(model):
    """timm's module -> name of our layer, in our order."""
    yield "conv_stem", "stem_conv"
    yield "bn1", "stem_bn"
    for stage, blocks in enumerate(model.blocks):
        for index, block in enumerate(blocks):
            theirs = f"blocks.{stage}.{index}"
            ours = f"block{stage + 1}{string.ascii_lowercase[index]}"
            if hasattr(block, "conv_pwl"):
                yield f"{theirs}.conv_pw", f"{ours}_expand_conv"
                yield f"{theirs}.bn1", f"{ours}_expand_bn"
                yield f"{theirs}.conv_dw", f"{ours}_dwconv"
                yield f"{theirs}.bn2", f"{ours}_bn"
                yield f"{theirs}.conv_pwl", f"{ours}_project_conv"
                yield f"{theirs}.bn3", f"{ours}_project_bn"
            else:
                # The first stage does not widen.
                yield f"{theirs}.conv_dw", f"{ours}_dwconv"
                yield f"{theirs}.bn1", f"{ours}_bn"
                yield f"{theirs}.conv_pw", f"{ours}_project_conv"
                yield f"{theirs}.bn2", f"{ours}_project_bn"
    yield "conv_head", "top_conv"
    yield "bn2", "top_bn"
    yield "classifier", "predictions"


def weights_of(layer):
    """(timm's tensor, our weight, axes that turn timm's into ours, axes back)"""
    if layer == "predictions":
        return [("weight", "kernel", (1, 0), (1, 0)), ("bias", "bias", (0,), (0,))]
    if layer.endswith("dwconv"):
        return [("weight", "depthwise_kernel", (2, 3, 0, 1), (2, 3, 0, 1))]
    if layer.endswith("conv"):
        return [("weight", "kernel", (2, 3, 1, 0), (3, 2, 0, 1))]
    return [(theirs, ours, (0,), (0,)) for theirs, ours in BATCH_NORM]


def fill(model):
    state = model.state_dict()
    untouched = {name for name in state if not name.endswith("num_batches_tracked")}
    layers, seed = [], 0
    for module, layer in layer_names(model):
        layers.append(layer)
        for theirs, ours, axes, back in weights_of(layer):
            key = f"{module}.{theirs}"
            shape = np.transpose(state[key].numpy(), axes).shape
            state[key] = torch.from_numpy(np.ascontiguousarray(seeded_weight(ours, shape, seed).transpose(back)))
            untouched.remove(key)
            seed += 1
    assert not untouched, untouched
    model.load_state_dict(state)
    parameters = {"top": sum(v.numel() for k, v in state.items() if not k.endswith("num_batches_tracked"))}
    parameters["noTop"] = parameters["top"] - sum(v.numel() for k, v in state.items() if k.startswith("classifier."))
    return layers, parameters


def watch(model, shares):
    """Shares of values at both ends of each ReLU6."""

    def hook(_module, _inputs, output):
        shares.append([(output == 0).float().mean().item(), (output == 6).float().mean().item()])

    handles = [m.register_forward_hook(hook) for m in model.modules() if isinstance(m, torch.nn.ReLU6)]
    assert len(handles) > 30, handles
    return handles


def outputs(model, x, what):
    with torch.no_grad():
        features = model.forward_features(x)
        top = model.forward_head(features)
        features = features.permute(0, 2, 3, 1)
        return {
            "logits": lambda: top,
            "probabilities": lambda: torch.softmax(top, dim=1),
            "map": lambda: features,
            "avg": lambda: features.mean((1, 2)),
            "max": lambda: features.amax((1, 2)),
        }[what]().numpy()


def run(model, height, width, what, every):
    picture = np.concatenate([seeded_image(height, width, seed) for seed in (7, 8)])
    x = torch.from_numpy(((picture - np.float32(127)) / np.float32(128)).transpose(0, 3, 1, 2).copy())
    single = outputs(model.float(), x, what)
    shares = []
    handles = watch(model, shares)
    values = outputs(model.double(), x.double(), what)
    for handle in handles:
        handle.remove()
    ends = np.array(shares)
    # A network that is dead or saturated would prove nothing.
    assert ends[:, 0].max() < 0.7 and ends[:, 0].min() > 0.3, ends
    assert ends[:, 1].max() < 0.3 and ends[:, 1].max() > 0.01, ends
    spread = np.ptp(values)
    rounding = np.abs(values - single).max() / spread
    between = np.abs(values[0] - values[1]).max() / spread
    assert rounding < 3e-6 and between > 0.02, (rounding, between)
    print(f"  {height}x{width} {what}: zeros {ends[:, 0].mean():.2f}, sixes up to {ends[:, 1].max():.3f}, range {spread:.3g},"
          f" float32 {rounding:.1e}, two pictures {between:.2f}")
    return values.shape, values[..., ::every]


def main():
    versions, cases = [], []
    for version in range(5):
        model = timm.create_model(f"tf_efficientnet_lite{version}", pretrained=False).eval()
        layers, parameters = fill(model)
        versions.append({"version": version, "parameters": parameters, "layers": layers if version == 0 else len(layers)})
        print(version, parameters, len(layers))
        for case_version, height, width, what, every in CASES:
            if case_version != version:
                continue
            shape, values = run(model, height, width, what, every)
            cases.append(
                {
                    "version": version,
                    "size": [height, width],
                    "what": what,
                    "shape": list(shape),
                    "everyChannel": every,
                    "values": base64.b64encode(values.astype("<f4").tobytes()).decode(),
                }
            )
    GOLDEN.write_text(
        json.dumps(
            {
                "what": "timm's EfficientNet-Lite with seeded weights, pictures of seeds 7 and 8; float32, little-endian, base64",
                "made": f"tests/oracle/efficientnet_lite.py, timm {timm.__version__}, torch {torch.__version__.split('+')[0]}",
                "versions": versions,
                "cases": cases,
            },
            indent=1,
        )
        + "\n"
    )


main()
