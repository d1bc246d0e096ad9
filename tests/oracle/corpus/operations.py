"""Operations between layers, and calls of models and layers in other ways than by position."""

import tensorflow as tf
from corpus.registry import functional, model


@model("3")
def more_operations_keras3(k, L):
    o = k.ops
    x, y, z = L.Input((4, 3)), L.Input((4, 3)), L.Input((4, 6, 8))
    a, b = o.split(x, [1], axis=-1)
    return functional(
        k,
        [x, y, z],
        [
            o.where(x > 0.0, x, y),
            o.cast(o.logical_and(x < y, o.logical_not(y >= 0.5)), "float32"),
            o.floor(x * 3.0) + o.ceil(y) - o.round(x * 5.0),
            o.var(x, axis=1) + o.std(y, axis=1),
            o.prod(x, axis=-1, keepdims=True),
            o.logsumexp(x, axis=1),
            o.cast(o.argmax(x, axis=1), "float32"),
            o.cumsum(x, axis=1),
            a * b,
            o.flip(x, axis=1) + o.repeat(y, 1, axis=1),
            o.tile(x, (1, 2, 1)),
            o.pad(x, ((0, 0), (1, 2), (0, 1)), constant_values=0.5),
            o.einsum("abc,adc->abd", x, y),
            o.normalize(x, axis=-1),
            o.image.resize(z, (5, 9)),
            o.image.resize(z, (8, 3), interpolation="nearest"),
            o.one_hot(o.argmax(y, axis=1), 4),
            o.take(x, [2, 0, 1], axis=2),
            o.leaky_relu(x, negative_slope=0.3) + o.elu(y, alpha=0.5) + o.selu(x) + o.softplus(y) + o.softsign(x),
            o.hard_sigmoid(x * 4.0) + o.log_sigmoid(y) + o.hard_silu(x * 3.0) + o.log_softmax(y, axis=1),
            o.gelu(x, approximate=False) + o.sin(y) * o.cos(x) + o.arctan(y) + o.erf(x) + o.log1p(o.square(y)),
            x // 0.3 + y % 0.7,
            o.stop_gradient(x) + o.sign(y) * o.reciprocal(x * x + 1.0) + o.expm1(x),
            o.amax(x, axis=1) - o.amin(x, axis=1),
        ],
    )


@model("2")
def more_operations_keras2(k, L):
    x, y, z = L.Input((4, 3)), L.Input((4, 3)), L.Input((4, 6, 8))
    a, b = tf.split(x, [1, 2], axis=-1)
    return functional(
        k,
        [x, y, z],
        [
            tf.where(x > 0.0, x, y),
            tf.cast(tf.logical_and(x < y, tf.logical_not(y >= 0.5)), "float32"),
            tf.floor(x * 3.0) + tf.math.ceil(y) - tf.round(x * 5.0),
            tf.math.reduce_variance(x, axis=1) + tf.math.reduce_std(y, axis=1),
            tf.reduce_prod(x, axis=-1, keepdims=True),
            tf.reduce_logsumexp(x, axis=1),
            tf.cast(tf.argmax(x, axis=1), "float32"),
            tf.cumsum(x, axis=1, exclusive=True, reverse=True),
            a * b,
            tf.reverse(x, axis=[1]),
            tf.tile(x, [1, 2, 1]),
            tf.pad(x, [[0, 0], [1, 2], [0, 1]]),
            tf.pad(x, [[0, 0], [1, 1], [0, 0]], mode="REFLECT"),
            tf.math.l2_normalize(x, axis=-1),
            tf.image.resize(z, [5, 9]),
            tf.image.resize(z, [8, 3], method="nearest"),
            tf.one_hot(tf.argmax(y, axis=1), 4),
            tf.gather(x, [2, 0, 1], axis=2),
            tf.nn.leaky_relu(x, alpha=0.3) + tf.nn.elu(y) + tf.nn.selu(x) + tf.nn.softplus(y) + tf.nn.softsign(x),
            tf.nn.gelu(x) + tf.sin(y) * tf.cos(x) + tf.math.erf(x) + tf.math.log1p(tf.square(y)) + tf.nn.silu(x),
            x // 0.3 + y % 0.7,
            tf.stop_gradient(x) + tf.sign(y) * tf.math.reciprocal(x * x + 1.0) + tf.math.expm1(x),
            tf.nn.depth_to_space(z, 2),
            tf.math.squared_difference(x, y) + tf.math.rsqrt(x * x + 0.5),
        ],
    )


@model()
def nested_dictionary_call(k, L):
    inner = {"wide": L.Input((4,), name="wide"), "narrow": L.Input((2,), name="narrow")}
    both = L.Concatenate()([inner["wide"], inner["narrow"]])
    pair = k.Model(inner, L.Dense(3, activation="tanh")(both), name="pair")
    a, b = L.Input((4,), name="a"), L.Input((2,), name="b")
    return functional(k, [a, b], L.Dense(2)(pair({"wide": a, "narrow": b})))


@model()
def nested_outputs(k, L):
    y = L.Input((5,))
    encoder = k.Model(y, [L.Dense(3, activation="relu")(y), L.Dense(2)(y)], name="encoder")
    scale = k.Sequential([L.Input((2,)), L.Dense(2)], name="scale")
    a, b = L.Input((5,)), L.Input((5,))
    first, second = encoder(a), encoder(b)
    return functional(k, [a, b], [first[0], second[1], scale(first[1]), scale(second[1])])


@model(inputs={"source": 4, "target": 5})
def masked_encoder_decoder(k, L):
    source, target = L.Input((5,), name="source"), L.Input((4,), name="target")
    _, h, c = L.LSTM(3, return_state=True)(L.Embedding(4, 3, mask_zero=True)(source))
    decoded = L.LSTM(3, return_sequences=True)(L.Embedding(5, 2)(target), initial_state=[h, c])
    return functional(k, [source, target], L.Dense(2, activation="softmax")(decoded))


@model()
def training_arguments(k, L):
    """What a call says of training changes nothing at inference."""
    x = L.Input((6, 3))
    h = L.BatchNormalization()(x, training=False)
    return functional(k, x, L.GRU(2)(L.Dropout(0.5)(h, training=False)))


@model(inputs={"tokens": 5})
def masked_sequential(k, L):
    return k.Sequential(
        [
            L.Input((6,), name="tokens"),
            L.Embedding(5, 3, mask_zero=True),
            L.SpatialDropout1D(0.2),
            L.GRU(3, return_sequences=True),
            L.LSTM(2),
        ]
    )
