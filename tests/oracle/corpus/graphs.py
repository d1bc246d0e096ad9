"""What models are made of models, calls and operators."""

import numpy as np
import tensorflow as tf
from corpus.registry import functional, keras3, model


@model()
def shared_layers(k, L):
    a, b = L.Input((5,)), L.Input((5,))
    tower = L.Dense(4, activation="tanh", name="tower")
    return functional(k, [a, b], L.Dense(1)(L.Concatenate()([tower(a), tower(b), tower(b)])))


@model()
def several_inputs_and_outputs(k, L):
    image, numbers = L.Input((6, 6, 2), name="image"), L.Input((3,), name="numbers")
    h = L.Flatten()(L.Conv2D(2, 3)(image))
    h = L.Concatenate()([h, L.Dense(2)(numbers)])
    return functional(k, [image, numbers], [L.Dense(3, activation="softmax", name="kind")(h), L.Dense(1, name="age")(h)])


@model()
def nested_models(k, L):
    base = k.Sequential([L.Input((8, 8, 3)), L.Conv2D(4, 3, name="conv"), L.BatchNormalization()], name="base")
    y = L.Input((6, 6, 4))
    head = k.Model(y, [L.GlobalAveragePooling2D()(y), L.GlobalMaxPooling2D()(y)], name="head")
    x = L.Input((8, 8, 3))
    a, b = head(base(x))
    return functional(k, x, L.Dense(2)(L.Concatenate()([a, b])))


@model()
def nested_shared_model(k, L):
    y = L.Input((5,))
    encoder = k.Model(y, L.Dense(3, activation="relu", name="dense_inside")(L.Dense(4, name="first")(y)), name="encoder")
    a, b = L.Input((5,)), L.Input((5,))
    return functional(k, [a, b], L.Subtract()([encoder(a), encoder(b)]))


@model()
def nested_same_names(k, L):
    def tower(name):
        return k.Sequential([L.Input((4,)), L.Dense(3, name="dense_a"), L.Dense(2, name="dense_b")], name=name)

    x = L.Input((4,))
    return functional(k, x, L.Add()([tower("left")(x), tower("right")(x)]))


@model()
def sequential_of_models(k, L):
    inner = k.Sequential([L.Input((6,)), L.Dense(5, activation="relu"), L.Dense(4)], name="inner")
    m = k.Sequential([inner, L.Dense(3), k.Sequential([L.Input((3,)), L.Dense(2)], name="last")])
    m.build((None, 6))
    return m


@model()
def frozen_layers(k, L):
    base = k.Sequential([L.Input((6, 6, 2)), L.Conv2D(3, 3), L.BatchNormalization(), L.Conv2D(2, 2)], name="base")
    base.trainable = False
    base.layers[-1].trainable = True
    x = L.Input((6, 6, 2))
    frozen = L.Dense(3, name="frozen")
    frozen.trainable = False
    return functional(k, x, L.Dense(2)(frozen(L.Flatten()(base(x)))))


@model()
def operators(k, L):
    x, y = L.Input((4, 3)), L.Input((4, 3))
    return functional(k, [x, y], [x + y, x - y, x * y, x + 1.5, 2.0 - x, x * 3.0, x / 4.0, 1.0 / (x * x + 1.0), -x, x**2])


@model(same=False, without=("keras2.keras",))  # tf_keras cannot store an ellipsis there
def getitem(k, L):
    x = L.Input((6, 5, 3))
    slices = [x[:, 1:4], x[:, 0], x[:, :, ::2, :1], x[:, :, :, 2], x[:, -1, 1:]]
    return functional(k, x, slices if k is keras3 else [*slices, x[..., 2]])  # Keras 3 cannot store an ellipsis


@model("2")
def operations_keras2(k, L):
    x, y = L.Input((4, 3)), L.Input((4, 3))
    return functional(
        k,
        [x, y],
        [
            tf.nn.relu(x),
            tf.nn.sigmoid(x),
            tf.math.tanh(x),
            tf.reduce_mean(x, axis=1),
            tf.reduce_max(x, axis=-1, keepdims=True),
            tf.reduce_sum(x, axis=[1, 2]),
            tf.concat([x, y], axis=-1),
            tf.reshape(x, [-1, 12]),
            tf.transpose(x, [0, 2, 1]),
            tf.expand_dims(x, -1),
            tf.matmul(x, y, transpose_b=True),
            tf.nn.softmax(x, axis=1),
            tf.math.sqrt(tf.abs(x)),
            tf.maximum(x, y),
            tf.clip_by_value(x, -0.5, 0.5),
            tf.square(x),
            tf.exp(x),
            tf.nn.relu6(x * 8.0),
            tf.squeeze(tf.expand_dims(x, 1), axis=1),
            tf.stack([x, y], axis=1),
        ],
    )


@model("3")
def operations_keras3(k, L):
    o = k.ops
    x, y = L.Input((4, 3)), L.Input((4, 3))
    return functional(
        k,
        [x, y],
        [
            o.relu(x),
            o.sigmoid(x),
            o.tanh(x),
            o.mean(x, axis=1),
            o.max(x, axis=-1, keepdims=True),
            o.sum(x, axis=(1, 2)),
            o.concatenate([x, y], axis=-1),
            o.reshape(x, (-1, 12)),
            o.transpose(x, (0, 2, 1)),
            o.expand_dims(x, -1),
            o.matmul(x, o.transpose(y, (0, 2, 1))),
            o.softmax(x, axis=1),
            o.sqrt(o.abs(x)),
            o.maximum(x, y),
            o.clip(x, -0.5, 0.5),
            o.square(x),
            o.exp(x),
            o.relu6(x * 8.0),
            o.squeeze(o.expand_dims(x, 1), axis=1),
            o.stack([x, y], axis=1),
            o.silu(x),
            o.gelu(x),
            o.log(o.abs(x) + 1.0),
            o.min(x, axis=1),
            o.minimum(x, 0.25),
            o.power(o.abs(x), 1.5),
        ],
    )


@model(same=False)
def names_with_slashes(k, L):
    x = L.Input((5,), name="the_input")
    if k is keras3:  # Keras 3 refuses slashes
        return functional(k, x, L.Dense(2, name="block.conv-1")(x))
    return functional(k, x, L.Dense(2, name="block/conv")(L.Dense(4, name="block/conv/inner")(x)))


@model()
def compiled_with_optimizer(k, L):
    m = k.Sequential([L.Input((4,)), L.Dense(3, activation="relu"), L.Dense(1)])
    m.compile("adam", "mse")
    m.fit(np.ones((4, 4)), np.ones((4, 1)), verbose=0)
    return m


@model()
def dictionary_inputs(k, L):
    inputs = {"left": L.Input((3,), name="left"), "right": L.Input((4,), name="right")}
    h = L.Concatenate()([inputs["left"], inputs["right"]])
    return k.Model(inputs, {"sum": L.Dense(2, name="sum")(h), "more": L.Dense(1, name="more")(h)})


@model()
def mixed_precision(k, L):
    """The policy is stored; the numbers are those of float32."""
    policy = "mixed_float16"
    x = L.Input((6, 6, 2))
    h = L.Conv2D(3, 3, activation="relu", dtype=policy)(x)
    return functional(k, x, L.Dense(2, dtype="float32")(L.Flatten(dtype=policy)(h)))
