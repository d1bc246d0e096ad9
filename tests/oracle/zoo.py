"""Goldens for the networks of Keras Applications, from real Keras.

Needs: tensorflow 2.18, tf_keras 2.18 (Keras 2) and keras 3.15.
Run:   python tests/oracle/zoo.py NAME...      (writes tests/zoo/goldens/keras/NAME.json; `all` for every network)
       python tests/oracle/zoo.py --list
       python tests/oracle/zoo.py --files FOLDER NAME...   (writes NAME.h5 and NAME_notop.h5 as Keras 2 saves weights;
                                                            `-` for names on standard input, one a line)

Networks are built without weights and filled with those of zoo_weights.py. Keras 2 and Keras 3 have to agree before a
golden is written. A golden has three cases: `top` and `noTop` at the default input size, and `small`, an oblong picture
of odd sides without top. Each says parameter counts, the names of all layers, the digest of the shapes of all weights,
and outputs: all logits, and values at hashed places of feature maps, for two pictures in one batch.
"""

import argparse
import base64
import gc
import hashlib
import json
import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import numpy as np

sys.path.insert(0, os.path.dirname(__file__))
from seeded_weights import hashed_unit, seeded_image
from squeezenet import SLASH, build as build_squeezenet
from zoo_weights import fill, weight_bearing

GOLDENS = os.path.join(os.path.dirname(__file__), "..", "zoo", "goldens", "keras")

BUILTIN = ("EfficientNet", "ConvNeXt", "MobileNetV3")
NAMES = (
    "VGG16 VGG19 ResNet50 ResNet101 ResNet152 ResNet50V2 ResNet101V2 ResNet152V2 InceptionV3 InceptionResNetV2 "
    "Xception MobileNet MobileNetV2 MobileNetV3Small MobileNetV3Large DenseNet121 DenseNet169 DenseNet201 NASNetMobile "
    "NASNetLarge EfficientNetB0 EfficientNetB1 EfficientNetB2 EfficientNetB3 EfficientNetB4 EfficientNetB5 "
    "EfficientNetB6 EfficientNetB7 EfficientNetV2B0 EfficientNetV2B1 EfficientNetV2B2 EfficientNetV2B3 EfficientNetV2S "
    "EfficientNetV2M EfficientNetV2L ConvNeXtTiny ConvNeXtSmall ConvNeXtBase ConvNeXtLarge ConvNeXtXLarge"
).split()

# Golden name -> builder and options, in Keras's spelling.
MODELS = {name.lower(): (name, {}) for name in NAMES}
MODELS.update({f"mobilenet-{alpha}": ("MobileNet", {"alpha": alpha}) for alpha in (0.25, 0.5, 0.75)})
MODELS.update({f"mobilenetv2-{alpha}": ("MobileNetV2", {"alpha": alpha}) for alpha in (0.35, 0.5, 0.75, 1.3, 1.4)})
for size in ("Small", "Large"):
    MODELS[f"mobilenetv3{size.lower()}-0.75"] = (f"MobileNetV3{size}", {"alpha": 0.75})
    MODELS[f"mobilenetv3{size.lower()}-minimalistic"] = (f"MobileNetV3{size}", {"minimalistic": True})

# Keras Applications has no SqueezeNet: squeezenet.py writes it down.
MODELS["squeezenet"] = ("SqueezeNet", {"version": "1.1"})
MODELS["squeezenet1.0"] = ("SqueezeNet1.0", {"version": "1.0"})

SIZES = {
    "SqueezeNet": 227, "SqueezeNet1.0": 227,
    "InceptionV3": 299, "InceptionResNetV2": 299, "Xception": 299, "NASNetLarge": 331,
    "EfficientNetB1": 240, "EfficientNetB2": 260, "EfficientNetB3": 300, "EfficientNetB4": 380, "EfficientNetB5": 456,
    "EfficientNetB6": 528, "EfficientNetB7": 600, "EfficientNetV2B1": 240, "EfficientNetV2B2": 260,
    "EfficientNetV2B3": 300, "EfficientNetV2S": 384, "EfficientNetV2M": 480, "EfficientNetV2L": 480,
}  # fmt: skip
SMALL = (97, 110)

# The gain of the kernels (see zoo_weights.py) by the beginning of the name; the longest one counts.
GAINS = {
    "VGG": 1.0,
    "ResNet": 0.7,
    "Inception": 0.95,
    "Xception": 0.75,
    "DenseNet": 0.8,
    "MobileNet": 1.0,
    "MobileNetV2": 0.75,
    "MobileNetV3": 0.9,
    "EfficientNetB0": 1.05,
    "EfficientNet": 0.95,
    "EfficientNetB5": 0.92,
    "EfficientNetB6": 0.9,
    "EfficientNetB7": 0.86,
    "EfficientNetV2": 0.75,
    "EfficientNetV2B": 0.8,
    "EfficientNetV2M": 0.71,
    "EfficientNetV2L": 0.68,
    "NASNet": 0.85,
    "ConvNeXt": 0.8,
    "SqueezeNet": 1.0,
}

# Values kept of a feature map, and of each layer in between.
FEATURE_SAMPLES = 1024
LAYER_SAMPLES = 96
LAYERS_BETWEEN = 6


def camel(options):
    return {"".join(part.title() if i else part for i, part in enumerate(key.split("_"))): value
            for key, value in options.items()}  # fmt: skip


def cases_of(builder, keras2):
    size = SIZES.get(builder, 224)
    yield "top", {"include_top": True, "classifier_activation": None, "input_shape": (size, size, 3)}
    yield "noTop", {"include_top": False, "input_shape": (size, size, 3)}
    yield "small", {"include_top": False, "pooling": "avg", "input_shape": (*SMALL, 3)}


def name_of(layer, builder):
    return layer.name.replace(SLASH, "/") if builder.startswith("SqueezeNet") else layer.name


def gain_of(builder):
    return GAINS[max((start for start in GAINS if builder.startswith(start)), key=len)]


def build(keras, builder, options):
    keras.backend.clear_session()
    if builder.startswith("SqueezeNet"):
        top = {"classes": 1000, "activation": options.get("classifier_activation")}
        shape, include_top, pooling = options["input_shape"], options["include_top"], options.get("pooling")
        model = build_squeezenet(keras, options["version"], include_top, pooling, shape, **top)
    else:
        model = getattr(keras.applications, builder)(weights=None, **options)
    fill(model, gain_of(builder))
    return model


def pictures(builder, shape):
    """Two pictures that differ much: tiles of 16 x 16 pixels, and noise that darkens towards the upper left corner.
    0 to 255 for networks that prepare them themselves, else -1 to 1."""
    height, width, _ = shape
    rows, columns = np.arange(height), np.arange(width)
    across = -(-width // 16)
    tiles = seeded_image(-(-height // 16), across, 7)[0][rows[:, None] // 16, columns[None, :] // 16]
    light = (rows[:, None] + columns[None, :]) / (height + width - 2)
    noise = (seeded_image(height, width, 8)[0].astype(np.float64) * light[:, :, None]).astype(np.float32)
    images = np.stack([tiles, noise])
    return images if builder.startswith(BUILTIN) else images / np.float32(127.5) - np.float32(1)


def sampled(values, count):
    """All values, or those at hashed places, as base64 of little-endian float32."""
    flat = np.asarray(values, dtype="<f4").ravel()
    if count is not None and count < flat.size:
        flat = flat[np.floor((hashed_unit(count, 5) + 0.5) * flat.size).astype(np.int64)]
    return base64.b64encode(flat.tobytes()).decode()


def described(values, count=None):
    values = np.asarray(values)
    kept = {} if count is None or count >= values.size else {"samples": count}
    return {
        "shape": list(values.shape),
        "range": [float(values.min()), float(values.max())],
        **kept,
        "values": sampled(values, count),
    }


def layers_between(model):
    """Evenly spread layers with a feature map for output."""
    maps = [layer for layer in model.layers[1:-1]
            if not isinstance(layer.output, list) and len(layer.output.shape) == 4 and not hasattr(layer, "layers")]  # fmt: skip
    picks = np.linspace(0, len(maps) - 1, LAYERS_BETWEEN + 1).astype(int)[1:]
    return [maps[i] for i in dict.fromkeys(picks)]


def shape_digest(model):
    shapes = [w.shape for layer in weight_bearing(model) for w in layer.get_weights()]
    lines = ["x".join(map(str, shape)) if len(shape) else "scalar" for shape in shapes]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def golden(name):
    import keras as keras3
    import tf_keras as keras2

    builder, options = MODELS[name]
    cases = []
    for case, case_options in cases_of(builder, keras2):
        shape = case_options["input_shape"]
        images = pictures(builder, shape)
        model = build(keras2, builder, {**options, **case_options})
        expected = model.predict(images, verbose=0)
        del model
        model = build(keras3, builder, {**options, **case_options})
        between = layers_between(model) if case == "top" else []
        tap = keras3.Model(model.inputs, [*(layer.output for layer in between), model.output])
        *inner, output = tap.predict(images, verbose=0) if between else [tap.predict(images, verbose=0)]
        output = output[0] if isinstance(output, list) else output
        spread = float(output.max() - output.min())
        difference = float(np.abs(output - expected).max()) / spread
        print(name, case, output.shape, f"range {output.min():.3g} to {output.max():.3g},",
              f"the two pictures differ by {np.abs(output[0] - output[1]).max() / spread:.2g} of it,",
              f"Keras 2 - Keras 3: {difference:.1e} of the range", flush=True)  # fmt: skip
        assert np.isfinite(output).all() and difference < 1e-5, difference
        entry = {
            "case": case,
            "includeTop": case_options["include_top"],
            "pooling": case_options.get("pooling"),
            "inputShape": list(shape),
            "parameters": int(model.count_params()),
            "trainable": int(sum(np.prod(w.shape) for w in model.trainable_weights)),
            "digest": shape_digest(model),
            "output": described(output, None if case == "top" else FEATURE_SAMPLES if case == "noTop" else 512),
        }
        if case == "top":
            entry["layers"] = [name_of(layer, builder) for layer in model.layers]
            entry["between"] = [
                {"layer": name_of(layer, builder), **described(values, LAYER_SAMPLES)} for layer, values in zip(between, inner)
            ]
        else:
            entry["weightLayers"] = len(weight_bearing(model))
            entry["lastLayers"] = [name_of(layer, builder) for layer in model.layers[-4:]]
        cases.append(entry)
        del model, tap
        gc.collect()
    document = {
        "model": builder.lower(),
        "options": {} if builder.startswith("SqueezeNet") else camel(options),
        "builtinPreprocessing": builder.startswith(BUILTIN),
        "gain": gain_of(builder),
        "keras": [keras2.__version__, keras3.__version__],
        "cases": cases,
    }
    os.makedirs(GOLDENS, exist_ok=True)
    with open(os.path.join(GOLDENS, f"{name}.json"), "w") as file:
        json.dump(document, file)
        file.write("\n")


def files(folder, name):
    """Weights files as Keras 2 writes them, the format of the official files."""
    import tf_keras as keras2

    builder, options = MODELS[name]
    os.makedirs(folder, exist_ok=True)
    for include_top, suffix in ((True, ""), (False, "_notop")):
        size = SIZES.get(builder, 224)
        case = {"include_top": include_top, "input_shape": (size, size, 3)}
        model = build(keras2, builder, {**options, **case})
        path = os.path.join(folder, f"{name}{suffix}.h5")
        model.save_weights(path)
        del model
        gc.collect()
    print("wrote", name, flush=True)


def asked_for():
    return iter(lambda: sys.stdin.readline().strip(), "")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--files", metavar="FOLDER")
    arguments = parser.parse_args()
    if arguments.list:
        print("\n".join(MODELS))
    names = asked_for() if arguments.names == ["-"] else MODELS if arguments.names == ["all"] else arguments.names
    for name in names:
        files(arguments.files, name) if arguments.files else golden(name)


if __name__ == "__main__":
    main()
