"""What Keras 3's callbacks do with scripted logs.

    python tests/oracle/callbacks.py > tests/callbacks/golden.json
"""
import json
import os
import tempfile

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["KERAS_BACKEND"] = "tensorflow"
import keras
import numpy as np

LOSSES = [1.0, 0.8, 0.85, 0.79, 0.79, 0.791, 0.7, 0.75, 0.76, 0.77, 0.78, 0.79, 0.8, 0.81]
ACCURACIES = [0.5, 0.6, 0.6, 0.55, 0.7, 0.7, 0.65, 0.7, 0.71, 0.7, 0.7, 0.69, 0.68, 0.6]


def logs(epoch):
    return {
        "loss": LOSSES[epoch] * 0.9,
        "accuracy": ACCURACIES[epoch] * 0.5,
        "val_loss": LOSSES[epoch],
        "val_accuracy": ACCURACIES[epoch],
    }


def model():
    keras.utils.set_random_seed(0)
    made = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    made.compile(optimizer=keras.optimizers.SGD(1.0), loss="mse", metrics=["accuracy"])
    # Which way is better is known of metrics that have been built.
    made.fit(np.zeros((1, 1)), np.zeros((1, 1)), verbose=0)
    return made


def run(callback, batches=0):
    """Sets the one weight to the epoch before its end; tells the rate behind each epoch and where it stopped."""
    net = model()
    net.stop_training = False
    callback.set_params({"epochs": len(LOSSES), "steps": batches, "verbose": 0})
    callback.set_model(net)
    callback.on_train_begin()
    rates, ended = [], None
    for epoch in range(len(LOSSES)):
        callback.on_epoch_begin(epoch, {})
        rate_at_begin = float(net.optimizer.learning_rate)
        for batch in range(batches):
            callback.on_train_batch_begin(batch, {})
            callback.on_train_batch_end(batch, {"loss": LOSSES[epoch], "accuracy": ACCURACIES[epoch]})
        net.layers[-1].set_weights([np.full((1, 1), float(epoch))])
        callback.on_epoch_end(epoch, logs(epoch))
        rates.append([rate_at_begin, float(net.optimizer.learning_rate)])
        if net.stop_training:
            ended = epoch
            break
    callback.on_train_end({})
    return {"ended": ended, "rates": rates, "weight": float(net.layers[-1].get_weights()[0][0, 0])}


EARLY = [
    {},
    {"patience": 1},
    {"patience": 3, "restore_best_weights": True},
    {"patience": 2, "min_delta": 0.05, "restore_best_weights": True},
    {"patience": 2, "monitor": "val_accuracy", "restore_best_weights": True},
    {"patience": 2, "monitor": "val_accuracy", "mode": "min"},
    {"patience": 3, "baseline": 0.75},
    {"patience": 2, "baseline": 0.1, "restore_best_weights": True},
    {"patience": 1, "start_from_epoch": 5, "restore_best_weights": True},
    {"patience": 20, "restore_best_weights": True},
]
REDUCE = [
    {"patience": 1},
    {"patience": 2, "factor": 0.5},
    {"patience": 1, "factor": 0.5, "cooldown": 2},
    {"patience": 1, "factor": 0.5, "min_lr": 0.3},
    {"patience": 2, "factor": 0.5, "monitor": "val_accuracy"},
    {"patience": 1, "factor": 0.5, "min_delta": 0.1},
    {"patience": 0, "factor": 0.5},
]
CHECKPOINT = [
    {},
    {"save_best_only": True},
    {"save_best_only": True, "monitor": "val_accuracy"},
    {"save_best_only": True, "initial_value_threshold": 0.8},
    {"save_freq": 5},
]
out = {"losses": LOSSES, "accuracies": ACCURACIES, "early": [], "reduce": [], "checkpoint": []}
for options in EARLY:
    out["early"].append({"options": options, **run(keras.callbacks.EarlyStopping(**options))})
for options in REDUCE:
    out["reduce"].append({"options": options, **run(keras.callbacks.ReduceLROnPlateau(**options))})
for options in CHECKPOINT:
    with tempfile.TemporaryDirectory() as folder:
        by_batch = "save_freq" in options
        name = "{epoch:02d}-{batch}.keras" if by_batch else "{epoch:02d}-{val_loss:.2f}.keras"
        run(keras.callbacks.ModelCheckpoint(os.path.join(folder, name), **options), batches=3 if by_batch else 0)
        out["checkpoint"].append({"options": options, "files": sorted(os.listdir(folder))})
out["scheduler"] = run(keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.5 if epoch % 2 else rate))
with tempfile.TemporaryDirectory() as folder:
    file = os.path.join(folder, "log.csv")
    run(keras.callbacks.CSVLogger(file, separator=";"))
    out["csv"] = open(file, newline="").read()
    run(keras.callbacks.CSVLogger(file, separator=";", append=True))
    out["csvTwice"] = open(file, newline="").read()
print(json.dumps(out))
