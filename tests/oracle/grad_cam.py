"""Golden of tests/explain/grad-cam.test.ts: Grad-CAM by real Keras 3 and tf.GradientTape.

    python tests/oracle/grad_cam.py

Packages: tensorflow-cpu==2.18.* keras==3.* numpy. The gradient is that of the scores before softmax, as Keras's example
takes it ("Grad-CAM class activation visualization": the last layer's activation is removed).
"""

import base64
import json
import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["KERAS_BACKEND"] = "tensorflow"
import keras
import numpy as np
import tensorflow as tf

from seeded_weights import seeded_image
from zoo_weights import fill

GOLDEN = os.path.join(os.path.dirname(__file__), "..", "explain", "goldens", "grad-cam.json")


def small():
    layers = keras.layers
    inputs = keras.Input((24, 30, 3))
    x = layers.Rescaling(1 / 127.5, offset=-1, name="rescaling")(inputs)
    x = layers.Conv2D(8, 3, strides=2, padding="same", name="conv1")(x)
    x = layers.BatchNormalization(name="bn1")(x)
    x = layers.ReLU(name="relu1")(x)
    y = layers.DepthwiseConv2D(3, padding="same", activation="relu", name="depthwise")(x)
    x = layers.Add(name="add")([x, y])
    x = layers.Conv2D(12, 3, activation="relu", name="conv2")(x)
    x = layers.MaxPooling2D(2, name="pool")(x)
    x = layers.Flatten(name="flatten")(x)
    outputs = layers.Dense(5, activation="softmax", name="predictions")(x)
    return keras.Model(inputs, outputs, name="small")


def mobilenet():
    return keras.applications.MobileNetV2(weights=None, alpha=0.35, input_shape=(96, 96, 3), classes=1000)


def pixels(height, width):
    """Noise that gets lighter towards the lower right corner, whole numbers from 0 to 255."""
    light = (np.arange(height)[:, None] + np.arange(width)[None, :]) / (height + width - 2)
    return np.floor(seeded_image(height, width, 8)[0].astype(np.float64) * light[:, :, None]).astype(np.float32)


def grad_cam(model, image, layer_name, class_index):
    probabilities = model(image[None], training=False).numpy()[0]
    last = model.layers[-1]
    activation, last.activation = last.activation, None
    both = keras.Model(model.inputs, [model.get_layer(layer_name).output, model.output])
    with tf.GradientTape() as tape:
        # Of functional models the tape sees what lies between the layers.
        features, scores = both(tf.Variable(image[None]), training=False)
        index = int(np.argmax(scores[0])) if class_index is None else class_index
        score = scores[0, index]
    gradient = tape.gradient(score, features)
    last.activation = activation
    weights = tf.reduce_mean(gradient, axis=(0, 1, 2))
    heatmap = np.maximum((features[0] @ weights[:, None])[..., 0].numpy(), 0)
    assert heatmap.max() > 0
    heatmap /= heatmap.max()
    return {
        "layer": layer_name,
        "classIndex": index,
        "predicted": int(np.argmax(probabilities)),
        "probability": float(probabilities[index]),
        "shape": list(heatmap.shape),
        "heatmap": base64.b64encode(heatmap.astype("<f4").tobytes()).decode(),
    }


def cases():
    model = small()
    fill(model, 1.0)
    image = pixels(24, 30)
    yield "small", image, model, [("pool", None), ("conv2", 3), ("depthwise", None), ("relu1", 1)]
    model = mobilenet()
    fill(model, 0.75)
    image = pixels(96, 96)
    prepared = image / np.float32(127.5) - np.float32(1)
    yield "mobilenetv2", prepared, model, [("out_relu", None), ("out_relu", 7), ("block_15_add", None), ("block_12_expand_relu", None)]


golden = {}
for name, image, model, maps in cases():
    golden[name] = [grad_cam(model, image, layer, index) for layer, index in maps]
    for each in golden[name]:
        print(name, each["layer"], each["classIndex"], each["predicted"], each["probability"], each["shape"])
os.makedirs(os.path.dirname(GOLDEN), exist_ok=True)
with open(GOLDEN, "w") as file:
    json.dump(golden, file, indent=1)
    file.write("\n")
