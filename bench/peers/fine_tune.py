"""One training job of bench/fine-tune.mjs in Keras, as a Keras user writes it; prints one line of JSON.

    python fine_tune.py JOB DATA SQUEEZENET.h5

JOB is `head`, `squeezenet` or `mobilenetv2`; the recipes are those of bench/fine-tune.mjs. DATA has train/ and val/
with one folder for each class. Photos are decoded once and kept in memory; frozen layers run in every epoch, as in any
`model.fit`, but for `head`, whose features are computed once.

Packages: tensorflow-cpu==2.18.* keras==3.*
"""

import json
import os
import sys
import time

started = time.perf_counter()
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
output = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)
oracle = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tests", "oracle")
sys.path.insert(0, oracle)

import keras  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402

imported = time.perf_counter()
job, data, weights = sys.argv[1:]
recipe = json.loads(os.environ["DOVECOTE_RECIPE"])
size = 224 if job == "mobilenetv2" else 227
keras.utils.set_random_seed(1)


def photos(part, shuffle):
    return keras.utils.image_dataset_from_directory(
        os.path.join(data, part), image_size=(size, size), batch_size=recipe["batchSize"], shuffle=shuffle, seed=1
    )


def prepared(dataset):
    mode = "tf" if job == "mobilenetv2" else "caffe"

    def prepare(x, y):
        return keras.applications.imagenet_utils.preprocess_input(x, mode=mode), y

    return dataset.map(prepare, num_parallel_calls=tf.data.AUTOTUNE).cache().prefetch(tf.data.AUTOTUNE)


def squeezenet():
    import h5py
    from squeezenet import SLASH, build

    base = build(keras, "1.1", False, None, (size, size, 3), 1000)
    with h5py.File(weights, "r") as whole:
        file = whole.get("model_weights", whole)
        for layer in base.layers:
            if layer.weights:
                group = file[layer.name.replace(SLASH, "/")]
                layer.set_weights([group[name][()] for name in group.attrs["weight_names"]])
    return base


def mobilenetv2():
    from zoo_weights import fill

    base = keras.applications.MobileNetV2(weights=None, include_top=False, input_shape=(size, size, 3))
    fill(base, recipe["gain"])
    return base


class Clock(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.ends = []

    def on_epoch_end(self, epoch, logs=None):
        self.ends.append(time.perf_counter())


def fit(model, training, validation):
    clock = Clock()
    model.compile(
        optimizer=keras.optimizers.Adam(recipe["learningRate"]),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    history = model.fit(training, validation_data=validation, epochs=recipe["epochs"], callbacks=[clock], verbose=0)
    return history.history["val_accuracy"], [b - a for a, b in zip(clock.ends, clock.ends[1:])]


def train_head():
    base = keras.Sequential([squeezenet(), keras.layers.GlobalAveragePooling2D()])
    base.trainable = False
    train, val = photos("train", False), photos("val", False)
    (x, y), (vx, vy) = [
        (base.predict(prepared(part), verbose=0), np.concatenate([labels for _, labels in part.as_numpy_iterator()]))
        for part in (train, val)
    ]
    mean, std = x.mean(0), x.std(0) + 1e-6
    head = keras.Sequential(
        [
            keras.Input(x.shape[1:]),
            keras.layers.Dropout(recipe["dropout"]),
            keras.layers.Dense(2, activation="softmax", kernel_regularizer=keras.regularizers.L2(recipe["l2"])),
        ]
    )
    pairs = tf.data.Dataset.from_tensor_slices(((x - mean) / std, y)).shuffle(len(y), seed=1)
    return fit(
        head,
        pairs.batch(recipe["batchSize"]),
        tf.data.Dataset.from_tensor_slices(((vx - mean) / std, vy)).batch(256),
    )


def train_layers():
    base = squeezenet() if job == "squeezenet" else mobilenetv2()
    first = next(i for i, layer in enumerate(base.layers) if layer.name.startswith(recipe["from"]))
    for layer in base.layers[:first]:
        layer.trainable = False
    x = keras.layers.GlobalAveragePooling2D()(base.output)
    model = keras.Model(base.input, keras.layers.Dense(2, activation="softmax")(x))
    training = prepared(photos("train", False)).unbatch().shuffle(300, seed=1).batch(recipe["batchSize"])
    return fit(model, training, prepared(photos("val", False)))


accuracies, epochs = train_head() if job == "head" else train_layers()
ended = time.perf_counter()
print(
    json.dumps(
        {
            "version": f"Keras {keras.__version__} on TensorFlow {tf.__version__}",
            "importSeconds": imported - started,
            "seconds": ended - started,
            "epochSeconds": float(np.median(epochs)),
            "valAccuracy": accuracies[-1],
            "bestValAccuracy": max(accuracies),
        }
    ),
    file=output,
    flush=True,
)
