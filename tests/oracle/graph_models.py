"""Makes tests/converters-graph/goldens/*.json: TensorFlow.js graph models and what TensorFlow says of a picture.

Networks of tiny widths in the manner of TF-Slim and TensorFlow Hub, frozen and optimised by tensorflowjs_converter's own
code. Weights come from the formula of seeded_weights.py; each golden holds model.json, the weight files as base64, and
the outputs for the picture of `seeded_image(height, width, 1) / 255`.

Needs: tensorflow==2.18.0 tf_keras==2.18.0 tensorflowjs==4.22.0 tensorflow_decision_forests==1.11.0 jax==0.4.34
jaxlib==0.4.34 flax==0.9.0 ydf==0.11.0 setuptools<81. Usage: python graph_models.py OUTPUT_FOLDER
"""

import base64
import json
import os
import sys
import tempfile

os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["TF_USE_LEGACY_KERAS"] = "1"

import numpy as np
import tensorflow as tf
import tf_keras as keras
from tensorflowjs.converters import tf_saved_model_conversion_v2 as converter

from seeded_weights import seeded_image, seeded_weight

L = keras.layers


class Weights:
    """Constants of the formula, numbered in the order in which they are asked for."""

    def __init__(self):
        self.seed = 0

    def __call__(self, name, *shape):
        self.seed += 1
        return tf.constant(seeded_weight(name, shape, self.seed))


def slim_batch_norm(x, weight, fused=True):
    width = x.shape[-1]
    gamma, beta, mean, variance = (
        weight(name, width) for name in ("gamma", "beta", "moving_mean", "moving_variance")
    )
    if fused:
        return tf.compat.v1.nn.fused_batch_norm(x, gamma, beta, mean, variance, epsilon=1e-3, is_training=False)[0]
    scale = gamma / tf.sqrt(variance + 1e-3)
    return x * scale + (beta - mean * scale)


def conv(x, weight, filters, size=1, stride=1):
    return tf.nn.conv2d(x, weight("kernel", size, size, x.shape[-1], filters), stride, "SAME")


def depthwise(x, weight, stride=1):
    kernel = weight("depthwise_kernel", 3, 3, x.shape[-1], 1)
    return tf.nn.depthwise_conv2d(x, kernel, [1, stride, stride, 1], "SAME")


def mobilenet_v1(x, weight, classes=1001):
    """TF-Slim's MobilenetV1 as TensorFlow Hub publishes it: pictures from 0 to 1, logits with a background class."""
    with tf.name_scope("hub_input"):
        x = tf.subtract(tf.multiply(x, 2.0, name="Mul"), 1.0, name="Sub")
    with tf.name_scope("MobilenetV1"):
        with tf.name_scope("Conv2d_0"):
            x = tf.nn.relu6(slim_batch_norm(conv(x, weight, 4, 3, 2), weight))
        for i, (filters, stride) in enumerate([(6, 1), (8, 2), (4, 1)], 1):
            with tf.name_scope(f"Conv2d_{i}_depthwise"):
                x = tf.nn.relu6(slim_batch_norm(depthwise(x, weight, stride), weight))
            with tf.name_scope(f"Conv2d_{i}_pointwise"):
                x = tf.nn.relu6(slim_batch_norm(conv(x, weight, filters), weight))
        with tf.name_scope("Logits"):
            x = tf.reduce_mean(x, [1, 2], keepdims=True, name="global_pool")
            x = tf.nn.bias_add(conv(x, weight, classes), weight("bias", classes))
            return tf.squeeze(x, [1, 2], name="SpatialSqueeze")


def mobilenet_v2(x, weight, classes=1001):
    """TF-Slim's MobilenetV2: linear bottlenecks, AvgPool, and a softmax at the end; pictures from -1 to 1."""
    with tf.name_scope("MobilenetV2"):
        x = tf.nn.relu6(slim_batch_norm(conv(x, weight, 4, 3, 2), weight))
        for filters, stride in [(4, 1), (6, 2), (6, 1)]:
            y = tf.nn.relu6(slim_batch_norm(conv(x, weight, x.shape[-1] * 3), weight))
            y = tf.nn.relu6(slim_batch_norm(depthwise(y, weight, stride), weight))
            y = slim_batch_norm(conv(y, weight, filters), weight)
            x = x + y if stride == 1 and x.shape[-1] == filters else y
        x = tf.nn.relu6(slim_batch_norm(conv(x, weight, 4), weight))
        x = tf.nn.avg_pool2d(x, x.shape[1:3], 1, "VALID", name="AvgPool")
        x = tf.nn.bias_add(conv(x, weight, classes), weight("bias", classes))
        return tf.nn.softmax(tf.squeeze(x, [1, 2]))


def operations(x, weight, classes=5):
    """What the MobileNets lack: explicit padding, pools, concatenation, free-standing affine arithmetic, MatMul."""
    x = tf.pad(x * 255.0 - 127.0, [[0, 0], [1, 2], [0, 1], [0, 0]]) / 64.0
    x = tf.nn.conv2d(x, weight("kernel", 3, 3, 3, 4), [1, 2, 1, 1], [[0, 0], [2, 0], [1, 1], [0, 0]])
    x = tf.nn.leaky_relu(x + weight("bias", 4), 0.1)
    left = tf.nn.max_pool2d(slim_batch_norm(x, weight, fused=False), 3, 2, "SAME")
    right = tf.nn.avg_pool2d(slim_batch_norm(tf.nn.elu(x), weight), 3, 2, "SAME")
    x = tf.concat([left, right, tf.maximum(left, right)], -1)
    gate = tf.sigmoid(conv(tf.reduce_mean(x, [1, 2], keepdims=True), weight, 12))
    x = x * gate
    x = tf.nn.conv2d(x, weight("kernel", 3, 3, 12, 6), 1, "VALID", dilations=2)
    x = tf.nn.tanh(1.0 - x * weight("gamma", 6))
    x = tf.reshape(x, [-1, int(np.prod(x.shape[1:]))])
    x = tf.nn.relu(tf.matmul(x, weight("kernel", 9, x.shape[-1]), transpose_b=True) * weight("gamma", 9))
    return tf.matmul(x, weight("kernel", 9, classes)) + weight("bias", classes)


def keras_network():
    """A network of Keras, whose Flatten and Reshape compute their sizes from shapes."""
    start = keras.Input((20, 20, 3), name="pixels")
    x = L.Rescaling(1 / 0.5, offset=-1.0)(start)
    x = L.Conv2D(4, 3, strides=2, name="kernel_1")(x)
    x = L.BatchNormalization()(x)
    x = L.ReLU()(x)
    x = L.SeparableConv2D(6, 3, padding="same")(x)
    x = L.Activation("swish")(x)
    y = L.GlobalAveragePooling2D()(x)
    y = L.Reshape((1, 1, 6))(y)
    x = L.Multiply()([x, L.Conv2D(6, 1, activation="sigmoid")(y)])
    x = L.Flatten()(x)
    x = L.Dense(7, activation="relu")(x)
    model = keras.Model(start, L.Dense(5, activation="softmax")(x))
    weights = [(v.name.split("/")[-1].split(":")[0], v.shape) for v in model.weights]
    model.set_weights([seeded_weight(name, tuple(shape), i + 1) for i, (name, shape) in enumerate(weights)])
    return model


def unknown_operations(x, weight):
    x = tf.image.resize(conv(x, weight, 4, 3, 2), [8, 8])
    return tf.reduce_mean(tf.cos(tf.nn.relu(x)), [1, 2])


def frozen(build, size):
    weight = Weights()

    @tf.function(input_signature=[tf.TensorSpec([None, size, size, 3], tf.float32, name="images")])
    def call(images):
        return {"predictions": build(images, weight)}

    module = tf.Module()
    module.call = call
    return module, call.get_concrete_function()


CASES = {
    # name: (how it is built, size of the picture, options of the converter)
    "mobilenet-v1": (mobilenet_v1, 32, {}),
    "mobilenet-v1-uint8": (mobilenet_v1, 32, {"quantization_dtype_map": {"uint8": "*"}}),
    "mobilenet-v2": (mobilenet_v2, 32, {}),
    "operations": (operations, 20, {}),
    "keras": (keras_network, 20, {}),
    "unknown-operations": (unknown_operations, 16, {}),
}


def make(build, size, options, folder):
    picture = seeded_image(size, size, 1) / 255.0
    with tempfile.TemporaryDirectory() as saved:
        if build is keras_network:
            model = build()
            signature = tf.function(lambda pixels: {"predictions": model(pixels, training=False)})
            concrete = signature.get_concrete_function(tf.TensorSpec([None, size, size, 3], name="pixels"))
            tf.saved_model.save(model, saved, signatures=concrete)
            outputs = concrete(tf.constant(picture))["predictions"]
        else:
            module, concrete = frozen(build, size)
            tf.saved_model.save(module, saved, signatures=concrete)
            outputs = concrete(tf.constant(picture))["predictions"]
        converter.convert_tf_saved_model(saved, folder, skip_op_check=True, **options)
    return outputs.numpy()


def as_text(array):
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()


def main(target):
    os.makedirs(target, exist_ok=True)
    for name, (build, size, options) in CASES.items():
        with tempfile.TemporaryDirectory() as folder:
            outputs = make(build, size, options, folder)
            with open(os.path.join(folder, "model.json")) as file:
                model_json = json.load(file)
            files = {}
            for group in model_json["weightsManifest"]:
                for path in group["paths"]:
                    with open(os.path.join(folder, path), "rb") as file:
                        files[path] = base64.b64encode(file.read()).decode()
        golden = {"size": size, "outputs": as_text(outputs), "modelJson": model_json, "files": files}
        path = os.path.join(target, f"{name}.json")
        with open(path, "w") as file:
            json.dump(golden, file, separators=(",", ":"))
            file.write("\n")
        operations_ = sorted({node["op"] for node in model_json["modelTopology"]["node"]})
        print(name, os.path.getsize(path), outputs.shape, float(np.ptp(outputs)), " ".join(operations_))


if __name__ == "__main__":
    main(sys.argv[1])
