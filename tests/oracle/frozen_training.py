"""Golden of tests/layers/frozen-layers.test.ts: five epochs of `fit` on small networks with BatchNormalization, frozen or not.

    python tests/oracle/frozen_training.py

Packages: tensorflow-cpu==2.18.* tf_keras==2.18.* keras==3.* numpy. Keras 2 and 3 have to agree, but for the moving
variance, which follows the sample variance in Keras 2 and the population variance in Keras 3; that of 3 is kept.
"""

import json
from pathlib import Path

import numpy as np

import keras as keras3
import tf_keras as keras2
from seeded_weights import hashed_unit, seeded_weight

BATCH, SIZE, CLASSES, EPOCHS = 6, 7, 3, 5
CASES = {
    "frozen base, nested": {"frozen": True, "scale": True, "center": True},
    "frozen base without scale": {"frozen": True, "scale": False, "center": True},
    "free": {"frozen": False, "scale": True, "center": True},
    "free without scale": {"frozen": False, "scale": False, "center": True},
    "free without center": {"frozen": False, "scale": True, "center": False},
    "free without both": {"frozen": False, "scale": False, "center": False},
}


def data():
    x = (hashed_unit(BATCH * SIZE * SIZE * 3, 1) * 4).astype(np.float32).reshape(BATCH, SIZE, SIZE, 3)
    y = np.eye(CLASSES, dtype=np.float32)[np.arange(BATCH) % CLASSES]
    return x, y


def run(keras, case):
    layers = keras.layers
    base = keras.Sequential(
        [
            layers.Input((SIZE, SIZE, 3)),
            layers.Conv2D(4, 3, use_bias=False, name="conv"),
            layers.BatchNormalization(scale=case["scale"], center=case["center"], momentum=0.9, name="bn"),
            layers.ReLU(name="relu"),
            layers.GlobalAveragePooling2D(name="pool"),
        ],
        name="base",
    )
    base.trainable = not case["frozen"]
    model = keras.Sequential([base, layers.Dense(CLASSES, activation="softmax", name="dense")])
    model.build((None, SIZE, SIZE, 3))
    seed = 0
    for layer in [*base.layers, model.layers[-1]]:
        names = [weight.name.split("/")[-1].split(":")[0] for weight in layer.weights]
        shapes = [tuple(weight.shape) for weight in layer.weights]
        layer.set_weights([seeded_weight(n, s, seed + i) for i, (n, s) in enumerate(zip(names, shapes))])
        seed += len(shapes)
    model.compile(optimizer=keras.optimizers.SGD(0.5), loss="categorical_crossentropy")
    x, y = data()
    history = model.fit(x, y, batch_size=BATCH, epochs=EPOCHS, shuffle=False, verbose=0)
    count = lambda weights: int(sum(np.prod(w.shape) for w in weights))
    bn = next(layer for layer in base.layers if layer.name == "bn")
    return {
        "losses": [float(loss) for loss in history.history["loss"]],
        "trainable": count(model.trainable_weights),
        "nonTrainable": count(model.non_trainable_weights),
        "bn": {w.name.split("/")[-1].split(":")[0]: np.array(w).tolist() for w in bn.weights},
        "prediction": np.array(model(x, training=False)).ravel().tolist(),
    }


golden = {}
for name, case in CASES.items():
    two, three = run(keras2, case), run(keras3, case)
    for key in ("losses", "trainable", "nonTrainable"):
        assert np.allclose(two[key], three[key], atol=2e-6), (name, key, two[key], three[key])
    for key in two["bn"]:
        if key != "moving_variance" or case["frozen"]:
            assert np.allclose(two["bn"][key], three["bn"][key], atol=2e-6), (name, key)
    assert len(set(np.round(three["losses"], 4))) == EPOCHS
    golden[name] = {**case, **three}
    print(name, three["losses"], three["trainable"], three["nonTrainable"])
path = Path(__file__).resolve().parents[1] / "layers" / "goldens" / "frozen-training.json"
path.write_text(json.dumps(golden, indent=1) + "\n")
