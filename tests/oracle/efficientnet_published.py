"""What Keras makes of EfficientNet files whose Normalization holds a standard deviation where a variance belongs.

Needs: tensorflow 2.18, tf_keras 2.18 (Keras 2) and keras 3.15.
Run:   python tests/oracle/efficientnet_published.py      (writes tests/zoo/goldens/efficientnet-published.json)
       python tests/oracle/efficientnet_published.py FOLDER      (also leaves the weights files there)

EfficientNetB0 without top, pooled, on pictures of 33 x 46 pixels, with the weights of zoo_weights.py but for the
Normalization: ImageNet's mean, and as variance either its standard deviation (as in the files that Keras publishes) or
the true variance. Keras is given each file in two ways: in place of the download of weights="imagenet", where it adds a
Rescaling by 1 / sqrt(deviation), and as a path, where it adds nothing. Keras 2 and Keras 3 have to agree.
"""

import json
import os
import sys
import tempfile
from unittest import mock

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import numpy as np

sys.path.insert(0, os.path.dirname(__file__))
from zoo import described, gain_of, pictures
from zoo_weights import fill

GOLDEN = os.path.join(os.path.dirname(__file__), "..", "zoo", "goldens", "efficientnet-published.json")
SHAPE = (33, 46, 3)
SAMPLES = 256
# What comes out at the end differs less than what goes in.
EARLY = "stem_activation"
MEAN = np.array([0.485, 0.456, 0.406])
DEVIATION = np.array([0.229, 0.224, 0.225])
VARIANCES = {"deviation": DEVIATION, "variance": DEVIATION**2}


def build(keras, weights, get_file=None):
    """`get_file` is the file that Keras is given for its download."""
    keras.backend.clear_session()
    module = sys.modules[keras.applications.EfficientNetB0.__module__]
    helper = module.file_utils if hasattr(module, "file_utils") else module.data_utils
    with mock.patch.object(helper, "get_file", lambda *args, **kwargs: get_file):
        return keras.applications.EfficientNetB0(
            include_top=False, weights=weights, input_shape=SHAPE, pooling="avg"
        )


def write(keras, path, variance):
    model = build(keras, None)
    fill(model, gain_of("EfficientNetB0"))
    model.get_layer("normalization").set_weights(
        [MEAN.astype(np.float32), variance.astype(np.float32), np.array(1)]
    )
    model.save_weights(path)


def main():
    import keras as keras3
    import tf_keras as keras2

    folder = sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp()
    os.makedirs(folder, exist_ok=True)
    images = pictures("EfficientNetB0", SHAPE)
    cases = []
    for holds, variance in VARIANCES.items():
        path = os.path.join(folder, f"efficientnetb0_{holds}_notop.h5")
        write(keras2, path, variance)
        for given in ("imagenet", "path"):
            outputs = []
            for keras in (keras2, keras3):
                model = build(keras, "imagenet", path) if given == "imagenet" else build(keras, path)
                tap = keras.Model(model.inputs, [model.get_layer(EARLY).output, *model.outputs])
                outputs.append(tap.predict(images, verbose=0))
            for ours, theirs in zip(*outputs):
                assert np.abs(ours - theirs).max() / np.ptp(theirs) < 1e-5
            early, output = outputs[1]
            cases.append(
                {
                    "holds": holds,
                    "given": given,
                    "layers": len(model.layers),
                    "firstLayers": [layer.name for layer in model.layers[:5]],
                    "early": {"layer": EARLY, **described(early, SAMPLES)},
                    "output": described(output, SAMPLES),
                }
            )
            print(holds, given, cases[-1]["firstLayers"], early[0, 0, 0, :3], output[0, :3], flush=True)
    document = {
        "inputShape": list(SHAPE),
        "gain": gain_of("EfficientNetB0"),
        "keras": [keras2.__version__, keras3.__version__],
        "cases": cases,
    }
    with open(GOLDEN, "w") as file:
        json.dump(document, file)
        file.write("\n")


if __name__ == "__main__":
    main()
