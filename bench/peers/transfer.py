"""The recipe of `fineTune` in Keras 3, as bench/transfer.mjs compares it: the same weights, pictures and options.

    python transfer.py '{"base": ..., "file": BASE.keras, "data": FOLDER, "seeds": 5, "unfreezeFrom": ..., "unfrozenEpochs": ...}'

Stage 1: features once, divided by one deviation, Dropout 0.3, Dense softmax from zeros with L2 0.1, Adam 0.003, balanced
classes, up to 60 epochs, best weights by validation accuracy, patience 15. Stage 2: from a layer on, BatchNormalization
frozen, Adam 3e-5, kept if better. Packages: tensorflow-cpu==2.18.* keras==3.* pillow
"""

import json
import os
import re
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
output = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)

import keras  # noqa: E402
import numpy as np  # noqa: E402
from PIL import Image  # noqa: E402

recipe = json.loads(sys.argv[1])
IS_LITE = recipe["base"] == "efficientnet-lite0"
SIZE = 224 if IS_LITE else 227
FEATURES = "top_activation" if IS_LITE else "fire9/concat"


def read(part):
    pictures, labels = [], []
    root = os.path.join(recipe["data"], part)
    for index, name in enumerate(sorted(os.listdir(root))):
        for file in sorted(os.listdir(os.path.join(root, name))):
            if not file.lower().endswith((".jpg", ".jpeg", ".png")):
                continue
            with Image.open(os.path.join(root, name, file)) as image:
                image = image.convert("RGB")
                if IS_LITE:
                    side = round(SIZE / 0.875)
                    scale = side / min(image.size)
                    size = [max(side, round(edge * scale)) for edge in image.size]
                    image = image.resize(size, Image.BICUBIC)
                    left, top = [(edge - SIZE) // 2 for edge in size]
                    image = image.crop((left, top, left + SIZE, top + SIZE))
                else:
                    # Stretched, then the centre.
                    edge = (256 - SIZE) // 2
                    image = image.resize((256, 256), Image.BILINEAR).crop((edge, edge, edge + SIZE, edge + SIZE))
                pixels = np.asarray(image, "float32")
            pictures.append((pixels - 127) / 128 if IS_LITE else pixels[..., ::-1] - [103.939, 116.779, 123.68])
            labels.append(index)
    return np.stack(pictures).astype("float32"), np.array(labels)


def network():
    whole = keras.models.load_model(recipe["file"], compile=False)
    # Keras 3 has no slashes in names.
    names = {re.sub(r"^(fire\d)_", r"\1/", layer.name): layer for layer in whole.layers}
    layer = names[FEATURES]
    pooled = keras.layers.GlobalAveragePooling2D()(layer.output)
    return keras.Model(whole.input, pooled), names


class Best(keras.callbacks.Callback):
    """Best weights by accuracy, then by loss."""

    def __init__(self, patience=0, start=None):
        super().__init__()
        self.patience, self.best, self.epoch, self.kept = patience, start, -1, None

    def on_epoch_end(self, epoch, logs=None):
        value = (logs["val_accuracy"], -logs["val_loss"])
        if self.best is None or value > self.best:
            self.best, self.epoch, self.kept = value, epoch, self.model.get_weights()
        if self.patience and epoch - self.epoch >= self.patience:
            self.model.stop_training = True


def run(seed):
    keras.utils.set_random_seed(seed)
    (train, y), (val, vy) = parts
    base, names = network()
    began = time.perf_counter()
    x, vx = base.predict(train, verbose=0), base.predict(val, verbose=0)
    mean = x.mean(0)
    deviation = float(np.sqrt(((x - mean) ** 2).mean()))
    classes = int(y.max()) + 1
    weights = {c: len(y) / (classes * int((y == c).sum())) for c in range(classes)}
    dense = keras.layers.Dense(
        classes, activation="softmax", kernel_initializer="zeros", kernel_regularizer=keras.regularizers.L2(0.1)
    )
    head = keras.Sequential([keras.Input(x.shape[1:]), keras.layers.Dropout(0.3), dense])
    head.compile(keras.optimizers.Adam(3e-3), "sparse_categorical_crossentropy", metrics=["accuracy"])
    best = Best(15)
    head.fit(
        *((x - mean) / deviation, y),
        validation_data=((vx - mean) / deviation, vy),
        **dict(epochs=60, batch_size=32, class_weight=weights, callbacks=[best], verbose=0),
    )
    frozen = time.perf_counter() - began
    kernel, bias = best.kept
    kernel = kernel / deviation
    final = keras.layers.Dense(classes, activation="softmax")
    model = keras.Model(base.input, final(keras.layers.Dropout(0.3)(base.output)))
    final.set_weights([kernel, bias - mean @ kernel])
    reached = False
    for layer in base.layers:
        reached = reached or layer is names[recipe["unfreezeFrom"]]
        layer.trainable = reached and not isinstance(layer, keras.layers.BatchNormalization)
    assert reached
    model.compile(keras.optimizers.Adam(3e-5), "sparse_categorical_crossentropy", metrics=["accuracy"])
    loss, accuracy = model.evaluate(val, vy, verbose=0)
    second = Best(0, (accuracy, -loss))
    model.fit(
        *(train, y),
        validation_data=(val, vy),
        **dict(epochs=recipe["unfrozenEpochs"], batch_size=32, class_weight=weights, callbacks=[second], verbose=0),
    )
    return [best.best[0], frozen, second.best[0], time.perf_counter() - began]


parts = read("train"), read("val")
rows = np.array([run(seed) for seed in range(1, recipe["seeds"] + 1)])
result = {
    name: {
        "accuracy": rows[:, at].mean(),
        "each": rows[:, at].tolist(),
        "seconds": rows[:, at + 1].mean(),
    }
    for name, at in (("frozen", 0), ("fine-tuned", 2))
}
print(json.dumps(result), file=output)
