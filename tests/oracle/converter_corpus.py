"""The converter's corpus: small models with every layer that the converter reads, written by real Keras 2 and Keras 3.

Needs: tensorflow 2.18, tf_keras 2.18, keras 3.15, h5py 3.
Run from the repository root: python tests/oracle/converter_corpus.py [NAME...]
Writes tests/converters/corpus/NAME.{keras2,keras3}.{h5,keras}.gz and NAME.json: the inputs, and what each Keras says of
them. Weights and inputs come from a seeded generator; both Keras versions get the same ones, in the order of
`model.weights`, and must agree on the outputs where the model means the same in both.
"""

import gzip
import json
import os
import sys
import tempfile
import zlib

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""
os.environ["KERAS_BACKEND"] = "tensorflow"

import keras as keras3
import numpy as np
import tensorflow as tf
import tf_keras as keras2

FOLDER = os.path.join(os.path.dirname(__file__), "..", "converters", "corpus")
MODELS = {}


def model(versions="23", inputs=None, same=True, without=()):
    """
    `versions` that have these layers; `inputs` maps an input's name to a highest integer; `same`: both agree;
    `without`: files that Keras cannot write.
    """

    def register(build):
        entry = {"build": build, "versions": versions, "integers": inputs or {}, "same": same, "without": without}
        MODELS[build.__name__] = entry
        return build

    return register


def functional(k, inputs, outputs, name=None):
    return k.Model(inputs, outputs, **({} if name is None else {"name": name}))


# --- core and activations ---------------------------------------------------------------------------------------


@model()
def dense_mlp(k, L):
    return k.Sequential(
        [
            L.Input((7,)),
            L.Dense(6, activation="relu"),
            L.Dropout(0.4),
            L.Dense(5, use_bias=False, activation="tanh"),
            L.Dense(3, activation="softmax"),
        ]
    )


@model()
def dense_on_sequences(k, L):
    x = L.Input((4, 5))
    return functional(k, x, L.Dense(3, activation="gelu")(x))


@model(same=False)  # hard_sigmoid has another slope in Keras 3
def activation_names(k, L):
    x = L.Input((6,))
    names = "elu exponential hard_sigmoid linear relu selu sigmoid softmax softplus softsign swish tanh gelu".split()
    return functional(k, x, [L.Activation(name, name=f"as_{name}")(x) for name in names])


@model("3")
def activation_names_keras3(k, L):
    x = L.Input((6,))
    names = (
        "relu6 leaky_relu silu hard_silu hard_swish mish log_softmax hard_sigmoid celu glu log_sigmoid tanh_shrink "
        "hard_tanh hard_shrink soft_shrink squareplus sparse_plus"
    ).split()
    return functional(k, x, [L.Activation(name, name=f"as_{name}")(x) for name in names])


@model()
def activation_layers(k, L):
    x = L.Input((5, 4, 3))
    return functional(
        k,
        x,
        [
            L.ELU(alpha=0.7)(x),
            L.LeakyReLU(0.15)(x),
            L.PReLU()(x),
            L.PReLU(shared_axes=[1, 2])(x),
            L.ReLU()(x),
            L.ReLU(max_value=0.6)(x),
            L.ReLU(max_value=0.9, negative_slope=0.1, threshold=0.2)(x),
            L.Softmax()(x),
            L.Softmax(axis=2)(x),
        ],
    )


@model("2")
def thresholded_relu(k, L):
    x = L.Input((6,))
    return functional(k, x, L.ThresholdedReLU(theta=0.3)(x))


@model()
def identity(k, L):
    x = L.Input((6,))
    return functional(k, x, L.Dense(2)(L.Identity()(x)))


@model(inputs={"tokens": 9})
def embedding(k, L):
    x = L.Input((5,), name="tokens")
    return functional(k, x, L.Dense(2)(L.Flatten()(L.Embedding(9, 4)(x))))


@model()
def einsum_dense(k, L):
    x = L.Input((4, 6))
    a = L.EinsumDense("abc,cd->abd", output_shape=(None, 5), bias_axes="d", activation="relu")(x)
    b = L.EinsumDense("...x,xy->...y", output_shape=3)(a)
    c = L.EinsumDense("abc,cde->abde", output_shape=(None, 2, 3), bias_axes="de")(x)
    return functional(k, x, [b, c])


# --- convolutions -----------------------------------------------------------------------------------------------


@model()
def conv1d(k, L):
    x = L.Input((11, 3))
    a = L.Conv1D(4, 3, padding="same", activation="relu")(x)
    b = L.Conv1D(5, 4, strides=2, padding="valid")(a)
    c = L.Conv1D(4, 3, padding="causal", dilation_rate=2)(x)
    d = L.Conv1D(2, 2, padding="same", strides=3, use_bias=False)(x)
    return functional(k, x, [b, c, d])


@model()
def conv1d_groups(k, L):
    x = L.Input((9, 4))
    return functional(k, x, L.Conv1D(6, 3, groups=2, padding="same", activation="tanh")(x))


@model()
def conv2d(k, L):
    x = L.Input((9, 8, 3))
    a = L.Conv2D(4, (3, 2), padding="same", strides=2, activation="relu")(x)
    b = L.Conv2D(5, 3, dilation_rate=2, padding="same", activation="elu")(x)
    c = L.Conv2D(2, (2, 3), strides=(2, 1), use_bias=False)(b)
    return functional(k, x, [a, c])


@model()
def conv2d_groups(k, L):
    x = L.Input((7, 6, 4))
    return functional(k, x, L.Conv2D(6, 3, groups=2, strides=2, padding="same")(x))


@model()
def conv3d(k, L):
    x = L.Input((5, 6, 7, 2))
    a = L.Conv3D(3, (2, 3, 2), padding="same", strides=(1, 2, 2), activation="relu")(x)
    return functional(k, x, [L.Conv3D(2, 2)(a), L.Conv3D(2, 3, dilation_rate=2, padding="same")(x)])


@model()
def conv1d_transpose(k, L):
    x = L.Input((5, 3))
    a = L.Conv1DTranspose(4, 3, strides=2, padding="same", activation="relu")(x)
    b = L.Conv1DTranspose(2, 4, strides=3, padding="valid")(x)
    return functional(k, x, [a, b, L.Conv1DTranspose(2, 3)(a)])


@model()
def conv2d_transpose(k, L):
    x = L.Input((4, 5, 3))
    a = L.Conv2DTranspose(4, 3, strides=2, padding="same", activation="relu")(x)
    b = L.Conv2DTranspose(2, (2, 3), strides=(2, 3), padding="valid", use_bias=False)(x)
    return functional(k, x, [a, b])


@model()
def conv2d_transpose_output_padding(k, L):
    x = L.Input((4, 5, 3))
    a = L.Conv2DTranspose(2, 3, strides=2, padding="same", output_padding=1)(x)
    return functional(k, x, a)


@model()
def conv3d_transpose(k, L):
    x = L.Input((3, 3, 4, 2))
    a = L.Conv3DTranspose(3, 3, strides=2, padding="same", activation="relu")(x)
    return functional(k, x, [a, L.Conv3DTranspose(2, 2, strides=(1, 2, 1))(x)])


@model()
def depthwise_conv1d(k, L):
    x = L.Input((9, 3))
    a = L.DepthwiseConv1D(3, padding="same", depth_multiplier=2, activation="relu")(x)
    return functional(k, x, [a, L.DepthwiseConv1D(4, strides=2)(x)])


@model()
def depthwise_conv2d(k, L):
    x = L.Input((9, 8, 3))
    a = L.DepthwiseConv2D(3, padding="same", depth_multiplier=2, activation="relu")(x)
    b = L.DepthwiseConv2D((2, 3), strides=2, use_bias=False)(x)
    c = L.DepthwiseConv2D(3, dilation_rate=2, padding="same")(x)
    return functional(k, x, [a, b, c])


@model()
def separable_conv1d(k, L):
    x = L.Input((9, 3))
    a = L.SeparableConv1D(4, 3, padding="same", depth_multiplier=2, activation="relu")(x)
    return functional(k, x, [a, L.SeparableConv1D(2, 2, strides=2, use_bias=False)(x)])


@model()
def separable_conv2d(k, L):
    x = L.Input((9, 8, 3))
    a = L.SeparableConv2D(4, 3, padding="same", depth_multiplier=2, activation="relu")(x)
    b = L.SeparableConv2D(2, (2, 3), strides=2, use_bias=False)(x)
    c = L.SeparableConv2D(2, 3, dilation_rate=2, padding="same")(x)
    return functional(k, x, [a, b, c])


# --- pooling ----------------------------------------------------------------------------------------------------


@model()
def pooling_1d(k, L):
    x = L.Input((9, 3))
    return functional(
        k,
        x,
        [
            L.MaxPooling1D(2)(x),
            L.MaxPooling1D(3, strides=2, padding="same")(x),
            L.AveragePooling1D(2)(x),
            L.AveragePooling1D(3, strides=2, padding="same")(x),
        ],
    )


@model()
def pooling_2d(k, L):
    x = L.Input((9, 8, 3))
    return functional(
        k,
        x,
        [
            L.MaxPooling2D()(x),
            L.MaxPooling2D((3, 2), strides=(2, 1), padding="same")(x),
            L.AveragePooling2D((2, 3))(x),
            L.AveragePooling2D(3, strides=2, padding="same")(x),
        ],
    )


@model()
def pooling_3d(k, L):
    x = L.Input((5, 6, 7, 2))
    return functional(
        k,
        x,
        [
            L.MaxPooling3D()(x),
            L.MaxPooling3D((2, 3, 2), strides=1, padding="same")(x),
            L.AveragePooling3D((2, 3, 2))(x),
            L.AveragePooling3D(3, strides=2, padding="same")(x),
        ],
    )


@model()
def global_pooling_1d(k, L):
    x = L.Input((6, 3))
    return functional(
        k,
        x,
        [
            L.GlobalAveragePooling1D()(x),
            L.GlobalMaxPooling1D()(x),
            L.GlobalAveragePooling1D(keepdims=True)(x),
            L.GlobalMaxPooling1D(keepdims=True)(x),
        ],
    )


@model()
def global_pooling_2d(k, L):
    x = L.Input((6, 5, 3))
    return functional(
        k,
        x,
        [
            L.GlobalAveragePooling2D()(x),
            L.GlobalMaxPooling2D()(x),
            L.GlobalAveragePooling2D(keepdims=True)(x),
            L.GlobalMaxPooling2D(keepdims=True)(x),
        ],
    )


@model()
def global_pooling_3d(k, L):
    x = L.Input((4, 5, 3, 2))
    return functional(
        k,
        x,
        [
            L.GlobalAveragePooling3D()(x),
            L.GlobalMaxPooling3D()(x),
            L.GlobalAveragePooling3D(keepdims=True)(x),
            L.GlobalMaxPooling3D(keepdims=True)(x),
        ],
    )


# --- normalization ----------------------------------------------------------------------------------------------


@model()
def batch_normalization(k, L):
    x = L.Input((6, 5, 4))
    a = L.BatchNormalization()(x)
    b = L.BatchNormalization(scale=False, epsilon=0.01)(x)
    c = L.BatchNormalization(center=False, momentum=0.9)(x)
    d = L.BatchNormalization(scale=False, center=False)(x)
    return functional(k, x, [L.Activation("relu")(a), b, c, d])


@model()
def batch_normalization_axis(k, L):
    x = L.Input((6, 5, 4))
    y = L.Input((7, 3))
    return functional(k, [x, y], [L.BatchNormalization(axis=1)(x), L.BatchNormalization(axis=1)(y)])


@model()
def layer_normalization(k, L):
    x = L.Input((6, 5, 4))
    a = L.LayerNormalization()(x)
    b = L.LayerNormalization(axis=[1, 2, 3], epsilon=1e-5)(x)
    c = L.LayerNormalization(scale=False)(x)
    d = L.LayerNormalization(center=False)(x)
    return functional(k, x, [a, b, c, d])


@model()
def layer_normalization_axis(k, L):
    x = L.Input((6, 5, 4))
    return functional(k, x, L.LayerNormalization(axis=1)(x))


@model()
def group_normalization(k, L):
    x = L.Input((6, 5, 4))
    return functional(
        k, x, [L.GroupNormalization(groups=2)(x), L.GroupNormalization(groups=-1, scale=False, center=False)(x)]
    )


@model()
def unit_normalization(k, L):
    x = L.Input((6, 4))
    return functional(k, x, [L.UnitNormalization()(x), L.UnitNormalization(axis=[1, 2])(x)])


@model("3")
def rms_normalization(k, L):
    x = L.Input((6, 4))
    return functional(k, x, [L.RMSNormalization()(x), L.LayerNormalization(rms_scaling=True)(x)])


@model("3")  # tf_keras 2.18 refuses to build its own
def spectral_normalization(k, L):
    x = L.Input((6, 5, 3))
    a = L.SpectralNormalization(L.Conv2D(4, 3))(x)
    return functional(k, x, L.SpectralNormalization(L.Dense(2))(L.Flatten()(a)))


@model()
def normalization(k, L):
    x = L.Input((3,))
    y = L.Input((4, 5, 3))
    return functional(
        k,
        [x, y],
        [
            L.Normalization()(x),
            L.Normalization(mean=[1.0, 2.0, 3.0], variance=[0.5, 1.5, 2.5])(y),
            L.Normalization(axis=None, mean=0.4, variance=2.0)(y),
            L.Normalization(invert=True, mean=0.4, variance=2.0)(x),
        ],
    )


# --- regularization: nothing at inference -----------------------------------------------------------------------


@model()
def regularization(k, L):
    x = L.Input((4, 4, 4, 3))
    h = L.SpatialDropout3D(0.2)(x)
    h = L.Reshape((16, 4, 3))(h)
    h = L.SpatialDropout2D(0.2)(h)
    h = L.Reshape((16, 12))(h)
    h = L.SpatialDropout1D(0.2)(h)
    h = L.GaussianNoise(0.3)(h)
    h = L.GaussianDropout(0.3)(h)
    h = L.AlphaDropout(0.1)(h)
    h = L.ActivityRegularization(l1=0.01, l2=0.02)(h)
    return functional(k, x, L.Dense(2)(L.Dropout(0.5, noise_shape=(None, 1, 12))(h)))


@model()
def regularizers_and_constraints(k, L):
    return k.Sequential(
        [
            L.Input((6,)),
            L.Dense(
                5,
                kernel_regularizer=k.regularizers.L2(0.01),
                bias_regularizer="l1",
                activity_regularizer=k.regularizers.L1L2(0.01, 0.02),
                kernel_constraint=k.constraints.MaxNorm(0.1),
                kernel_initializer=k.initializers.HeNormal(seed=3),
            ),
            L.Dense(2, kernel_regularizer=k.regularizers.OrthogonalRegularizer(0.01), bias_constraint="non_neg"),
        ]
    )


# --- shapes -----------------------------------------------------------------------------------------------------


@model()
def reshaping(k, L):
    x = L.Input((4, 6, 2))
    v = L.Input((5,))
    return functional(
        k,
        [x, v],
        [
            L.Flatten()(x),
            L.Reshape((6, 8))(x),
            L.Reshape((3, -1))(x),
            L.Permute((3, 1, 2))(x),
            L.RepeatVector(3)(v),
        ],
    )


@model()
def cropping(k, L):
    a, b, c = L.Input((8, 3)), L.Input((8, 7, 3)), L.Input((6, 7, 8, 2))
    return functional(
        k,
        [a, b, c],
        [L.Cropping1D((1, 2))(a), L.Cropping2D(((1, 2), (0, 3)))(b), L.Cropping3D(((1, 1), (2, 0), (1, 3)))(c)],
    )


@model()
def zero_padding(k, L):
    a, b, c = L.Input((4, 3)), L.Input((4, 3, 3)), L.Input((3, 2, 4, 2))
    return functional(
        k,
        [a, b, c],
        [
            L.ZeroPadding1D((1, 2))(a),
            L.ZeroPadding2D(((1, 2), (0, 3)))(b),
            L.ZeroPadding3D(((1, 1), (2, 0), (1, 3)))(c),
        ],
    )


@model()
def upsampling(k, L):
    a, b, c = L.Input((4, 3)), L.Input((4, 3, 3)), L.Input((3, 2, 4, 2))
    return functional(
        k,
        [a, b, c],
        [
            L.UpSampling1D(3)(a),
            L.UpSampling2D((2, 3))(b),
            L.UpSampling2D(2, interpolation="bilinear")(b),
            L.UpSampling3D((2, 1, 3))(c),
        ],
    )


# --- merging ----------------------------------------------------------------------------------------------------


@model()
def merging(k, L):
    a, b, c = L.Input((4, 3)), L.Input((4, 3)), L.Input((4, 3))
    return functional(
        k,
        [a, b, c],
        [
            L.Add()([a, b, c]),
            L.Subtract()([a, b]),
            L.Multiply()([a, b, c]),
            L.Average()([a, b, c]),
            L.Maximum()([a, b, c]),
            L.Minimum()([a, b, c]),
            L.Concatenate()([a, b, c]),
            L.Concatenate(axis=1)([a, b]),
        ],
    )


@model()
def merging_broadcast(k, L):
    a, b, c = L.Input((4, 5, 3)), L.Input((1, 1, 3)), L.Input((4, 5, 1))
    return functional(
        k, [a, b, c], [L.Multiply()([a, b]), L.Add()([a, c]), L.Subtract()([a, b]), L.Maximum()([b, c])]
    )


@model()
def dot(k, L):
    a, b = L.Input((4, 3)), L.Input((5, 3))
    u, v = L.Input((6,)), L.Input((6,))
    return functional(k, [a, b, u, v], [L.Dot(axes=2)([a, b]), L.Dot(axes=1)([u, v]), L.Dot(axes=1, normalize=True)([u, v])])


# --- recurrent --------------------------------------------------------------------------------------------------


@model()
def simple_rnn(k, L):
    x = L.Input((6, 4))
    return functional(
        k,
        x,
        [
            L.SimpleRNN(3)(x),
            L.SimpleRNN(3, return_sequences=True, activation="relu", use_bias=False)(x),
            L.SimpleRNN(3, go_backwards=True, return_sequences=True)(x),
        ],
    )


@model(same=False)  # hard_sigmoid again
def lstm(k, L):
    x = L.Input((6, 4))
    h = L.LSTM(3, return_sequences=True, dropout=0.2, recurrent_dropout=0.1)(x)
    return functional(
        k, x, [L.LSTM(2)(h), L.LSTM(3, go_backwards=True, use_bias=False)(x), L.LSTM(2, recurrent_activation="hard_sigmoid")(x)]
    )


@model()
def gru_reset_after(k, L):
    x = L.Input((6, 4))
    h = L.GRU(3, return_sequences=True)(x)
    return functional(k, x, [L.GRU(2, go_backwards=True)(h), L.GRU(3, use_bias=False, activation="relu")(x)])


@model()
def gru_reset_before(k, L):
    x = L.Input((6, 4))
    return functional(k, x, L.GRU(2, reset_after=False)(L.GRU(3, reset_after=False, return_sequences=True)(x)))


@model()
def bidirectional(k, L):
    x = L.Input((6, 4))
    return functional(
        k,
        x,
        [
            L.Bidirectional(L.LSTM(3, return_sequences=True))(x),
            L.Bidirectional(L.GRU(2), merge_mode="sum")(x),
            L.Bidirectional(L.SimpleRNN(2, return_sequences=True), merge_mode="ave")(x),
            L.Bidirectional(L.LSTM(2), merge_mode="mul")(x),
        ],
    )


@model()
def bidirectional_backward_layer(k, L):
    x = L.Input((6, 4))
    backward = L.LSTM(2, go_backwards=True, activation="relu", name="back")
    return functional(k, x, L.Bidirectional(L.LSTM(2, name="forth"), backward_layer=backward)(x))


@model()
def time_distributed(k, L):
    x = L.Input((3, 6, 5, 2))
    h = L.TimeDistributed(L.Conv2D(4, 3, activation="relu"))(x)
    h = L.TimeDistributed(L.MaxPooling2D())(h)
    h = L.TimeDistributed(L.BatchNormalization())(h)
    h = L.TimeDistributed(L.Flatten())(h)
    return functional(k, x, L.LSTM(2)(L.TimeDistributed(L.Dense(3))(h)))


@model()
def time_distributed_model(k, L):
    inner = k.Sequential([L.Input((6, 5, 2)), L.Conv2D(3, 3), L.BatchNormalization(), L.GlobalAveragePooling2D()])
    x = L.Input((3, 6, 5, 2))
    return functional(k, x, L.GRU(2)(L.TimeDistributed(inner)(x)))


@model()
def rnn_cells(k, L):
    x = L.Input((6, 4))
    stacked = L.RNN([L.LSTMCell(3), L.GRUCell(2)])(x)
    return functional(k, x, [stacked, L.RNN(L.SimpleRNNCell(3), return_sequences=True)(x)])


@model(same=False)  # the default recurrent activation is hard_sigmoid, which differs
def conv_lstm_2d(k, L):
    x = L.Input((3, 6, 5, 2))
    return functional(
        k,
        x,
        [
            L.ConvLSTM2D(2, 3)(x),
            L.ConvLSTM2D(2, (2, 3), padding="same", return_sequences=True)(x),
        ],
    )


@model(same=False)
def conv_lstm_1d_3d(k, L):
    x, y = L.Input((3, 6, 2)), L.Input((2, 4, 4, 3, 2))
    return functional(k, [x, y], [L.ConvLSTM1D(2, 3)(x), L.ConvLSTM3D(2, 2, padding="same")(y)])


@model()
def rnn_states(k, L):
    x, y = L.Input((5, 3)), L.Input((4, 3))
    _, h, c = L.LSTM(4, return_state=True)(x)
    decoded = L.LSTM(4, return_sequences=True)(y, initial_state=[h, c])
    _, s = L.GRU(4, return_state=True)(x)
    return functional(k, [x, y], [decoded, L.GRU(4)(y, initial_state=s)])


@model(inputs={"tokens": 4})
def masked_lstm(k, L):
    x = L.Input((6,), name="tokens")
    h = L.Embedding(4, 3, mask_zero=True)(x)
    return functional(k, x, [L.LSTM(3)(h), L.GlobalAveragePooling1D()(h), L.Bidirectional(L.GRU(2))(h)])


@model()
def masking(k, L):
    x = L.Input((5, 3))
    h = L.Masking(mask_value=0.0)(x)
    return functional(k, x, L.SimpleRNN(3)(h))


# --- attention --------------------------------------------------------------------------------------------------


@model()
def attention(k, L):
    q, v = L.Input((4, 3)), L.Input((5, 3))
    return functional(
        k,
        [q, v],
        [
            L.Attention()([q, v]),
            L.Attention(use_scale=True)([q, v]),
            L.AdditiveAttention()([q, v]),
            L.AdditiveAttention(use_scale=False)([q, v]),
        ],
    )


@model()
def multi_head_attention(k, L):
    q, v = L.Input((4, 6)), L.Input((5, 6))
    return functional(
        k,
        [q, v],
        [
            L.MultiHeadAttention(num_heads=2, key_dim=3)(q, q),
            L.MultiHeadAttention(num_heads=3, key_dim=2, value_dim=4, use_bias=False)(q, v),
            L.MultiHeadAttention(num_heads=2, key_dim=2, output_shape=5)(query=q, value=v, key=v),
            L.MultiHeadAttention(num_heads=2, key_dim=2)(q, q, use_causal_mask=True),
        ],
    )


@model("3")
def group_query_attention(k, L):
    q, v = L.Input((4, 6)), L.Input((5, 6))
    return functional(k, [q, v], L.GroupQueryAttention(head_dim=3, num_query_heads=4, num_key_value_heads=2)(q, v))


@model()
def transformer_block(k, L):
    x = L.Input((5, 8))
    h = L.LayerNormalization(epsilon=1e-6)(x)
    h = L.MultiHeadAttention(num_heads=2, key_dim=4, dropout=0.1)(h, h)
    x2 = L.Add()([x, h])
    f = L.LayerNormalization(epsilon=1e-6)(x2)
    f = L.Dense(16, activation="gelu")(f)
    f = L.Dropout(0.1)(L.Dense(8)(f))
    return functional(k, x, L.GlobalAveragePooling1D()(L.Add()([x2, f])))


# --- preprocessing ----------------------------------------------------------------------------------------------


@model()
def rescaling(k, L):
    x = L.Input((4, 5, 3))
    return functional(k, x, L.Rescaling(1 / 127.5, offset=-1)(x))


@model()
def resizing(k, L):
    x = L.Input((6, 8, 3))
    return functional(k, x, [L.Resizing(4, 5)(x), L.Resizing(9, 4, interpolation="nearest")(x), L.CenterCrop(4, 5)(x)])


@model(without=("keras3.h5",))  # Keras 3 cannot store the value range there
def random_augmentation(k, L):
    x = L.Input((8, 8, 3))
    h = L.RandomFlip("horizontal")(x)
    h = L.RandomRotation(0.1)(h)
    h = L.RandomZoom(0.1)(h)
    h = L.RandomTranslation(0.1, 0.1)(h)
    h = L.RandomContrast(0.2)(h)
    h = L.RandomBrightness(0.2)(h)
    return functional(k, x, L.Conv2D(2, 3)(h))


@model(inputs={"classes": 5})
def category_encoding(k, L):
    x = L.Input((1,), name="classes", dtype="int32")
    y = L.Input((4,), name="values")
    return functional(
        k,
        [x, y],
        [
            L.CategoryEncoding(num_tokens=5, output_mode="one_hot")(x),
            L.Discretization(bin_boundaries=[-0.5, 0.0, 0.5])(y),
        ],
    )


# --- graphs -----------------------------------------------------------------------------------------------------


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


# --- whole classics ---------------------------------------------------------------------------------------------


@model()
def mnist_cnn(k, L):
    return k.Sequential(
        [
            L.Input((12, 12, 1)),
            L.Conv2D(4, 3, activation="relu"),
            L.MaxPooling2D(),
            L.Conv2D(5, 3, activation="relu"),
            L.Flatten(),
            L.Dropout(0.5),
            L.Dense(10, activation="softmax"),
        ]
    )


@model()
def residual_block(k, L):
    x = L.Input((8, 8, 4))
    h = L.ReLU()(L.BatchNormalization()(L.Conv2D(4, 3, padding="same", use_bias=False)(x)))
    h = L.BatchNormalization()(L.Conv2D(4, 3, padding="same", use_bias=False)(h))
    h = L.ReLU()(L.Add()([x, h]))
    return functional(k, x, L.Dense(3, activation="softmax")(L.GlobalAveragePooling2D()(h)))


@model()
def inception_block(k, L):
    x = L.Input((8, 8, 4))
    a = L.Conv2D(2, 1, activation="relu")(x)
    b = L.Conv2D(3, 3, padding="same", activation="relu")(L.Conv2D(2, 1, activation="relu")(x))
    c = L.Conv2D(2, 1)(L.AveragePooling2D(3, strides=1, padding="same")(x))
    return functional(k, x, L.GlobalMaxPooling2D()(L.Concatenate()([a, b, c])))


@model()
def squeeze_and_excite(k, L):
    x = L.Input((8, 8, 4))
    h = L.DepthwiseConv2D(3, padding="same", use_bias=False)(x)
    h = L.Activation("swish")(L.BatchNormalization()(h))
    s = L.GlobalAveragePooling2D(keepdims=True)(h)
    s = L.Conv2D(4, 1, activation="sigmoid")(L.Conv2D(2, 1, activation="swish")(s))
    return functional(k, x, L.GlobalAveragePooling2D()(L.Multiply()([h, s])))


@model()
def unet(k, L):
    x = L.Input((8, 8, 2))
    a = L.Conv2D(3, 3, padding="same", activation="relu")(x)
    b = L.Conv2D(4, 3, padding="same", activation="relu")(L.MaxPooling2D()(a))
    up = L.Conv2DTranspose(3, 2, strides=2)(b)
    h = L.Concatenate()([a, up, L.UpSampling2D()(b)])
    return functional(k, x, L.Conv2D(1, 1, activation="sigmoid")(h))


@model(inputs={"tokens": 11})
def text_classifier(k, L):
    """The network of tfjs issue 8489, smaller."""
    x = L.Input((20,), name="tokens")
    h = L.Embedding(11, 6)(x)
    h = L.BatchNormalization()(L.Conv1D(5, 5, padding="same", activation="relu")(h))
    h = L.MaxPooling1D(4)(h)
    h = L.LSTM(4, return_sequences=True, dropout=0.3, recurrent_dropout=0.3)(h)
    h = L.LSTM(3, dropout=0.3)(h)
    return functional(k, x, L.Dense(1, activation="sigmoid")(L.Dropout(0.5)(L.Dense(4, activation="relu")(h))))


@model()
def autoencoder(k, L):
    x = L.Input((6,))
    encoder = k.Model(x, L.Dense(2, activation="relu")(x), name="encoder")
    z = L.Input((2,))
    decoder = k.Model(z, L.Dense(6, activation="sigmoid")(z), name="decoder")
    return functional(k, x, decoder(encoder(x)))


@model()
def mlp_mixer(k, L):
    x = L.Input((8, 8, 3))
    p = L.Reshape((16, 6))(L.Conv2D(6, 2, strides=2)(x))
    h = L.Permute((2, 1))(L.LayerNormalization()(p))
    h = L.Permute((2, 1))(L.Dense(16)(L.Dense(8, activation="gelu")(h)))
    return functional(k, x, L.Dense(3)(L.GlobalAveragePooling1D()(L.Add()([p, h]))))


@model()
def variable_sizes(k, L):
    x = L.Input((None, None, 3))
    h = L.Conv2D(4, 3, strides=2, padding="same", activation="relu")(x)
    return functional(k, x, L.Dense(2)(L.GlobalAveragePooling2D()(h)))


# ----------------------------------------------------------------------------------------------------------------


def seeded(name):
    return np.random.RandomState(zlib.crc32(name.encode()) & 0x7FFFFFFF)


def randomize(model, name):
    """Weights of a size that lets every layer matter; variances stay positive; counters and seeds stay."""
    rng = seeded(name)
    for weight in model.weights:
        if not np.dtype(str(weight.dtype).replace("<dtype: '", "").replace("'>", "")).kind == "f":
            continue
        values = rng.normal(0, 0.3, tuple(weight.shape)).astype("float32")
        path = getattr(weight, "path", weight.name)
        if "variance" in path:
            values = np.abs(values) + 0.5
        elif path.endswith(("gamma", "gamma:0")) or "scale" in path.split("/")[-1]:
            values = values + 1
        weight.assign(values)


def inputs_of(model, name, integers):
    rng = seeded(name + "/inputs")
    values = []
    for tensor in model.inputs:
        shape = [2 if i == 0 else (9 if d is None else d) for i, d in enumerate(tensor.shape)]
        top = integers.get(tensor.name.split(":")[0])
        if top is not None:
            values.append(rng.randint(0, top, shape).astype("float32"))
        else:
            values.append(rng.uniform(-1, 1, shape).astype("float32"))
    if name == "masking":
        values[0][0, 1] = 0
        values[0][1, 3:] = 0
    return values


def called(model, values):
    names = [tensor.name.split(":")[0] for tensor in model.inputs]
    by_name = any(isinstance(getattr(model, key, None), dict) for key in ("_nested_inputs", "_inputs_struct"))
    given = dict(zip(names, values)) if by_name else values if len(values) > 1 else values[0]
    outputs = model(given, training=False)
    return [np.asarray(tf.cast(y, tf.float32)) for y in tf.nest.flatten(outputs)]


def listed(array):
    return {"shape": list(array.shape), "data": [float(f"{x:.8g}") for x in np.asarray(array, "float32").ravel()]}


def compress(path, to):
    with open(path, "rb") as file:
        data = file.read()
    with open(to, "wb") as out, gzip.GzipFile(fileobj=out, mode="wb", mtime=0, filename="") as packed:
        packed.write(data)
    return len(data)


def float32_twin(build, k, L, name):
    """The same network without its mixed policies, for what `mixed_precision` should compute."""

    class Layers:
        def __getattr__(self, attribute):
            made = getattr(L, attribute)
            return lambda *args, **kwargs: made(*args, **{key: v for key, v in kwargs.items() if key != "dtype"})

    twin = build(k, Layers())
    randomize(twin, name)
    return twin


def write(name, folder):
    entry = MODELS[name]
    golden = {"same": entry["same"], "outputs": {}, "parameters": {}}
    for version in entry["versions"]:
        k = keras2 if version == "2" else keras3
        k.backend.clear_session()
        built = entry["build"](k, k.layers)
        randomize(built, name)
        values = inputs_of(built, name, entry["integers"])
        judged = float32_twin(entry["build"], k, k.layers, name) if name == "mixed_precision" else built
        outputs = called(judged, values)
        golden["inputs"] = [listed(v) for v in values]
        golden["outputs"][version] = [listed(y) for y in outputs]
        golden["parameters"][version] = int(built.count_params())
        with tempfile.TemporaryDirectory() as work:
            for ending in ("h5", "keras"):
                if f"keras{version}.{ending}" in entry["without"]:
                    continue
                path = os.path.join(work, f"model.{ending}")
                built.save(path)
                compress(path, os.path.join(folder, f"{name}.keras{version}.{ending}.gz"))
    if entry["same"] and len(entry["versions"]) == 2:
        for a, b in zip(golden["outputs"]["2"], golden["outputs"]["3"], strict=True):
            difference = np.max(np.abs(np.array(a["data"]) - np.array(b["data"])))
            assert a["shape"] == b["shape"] and difference < 2e-6, f"{name}: Keras 2 and 3 differ by {difference}"
        golden["outputs"] = {"2": golden["outputs"]["2"], "3": None}
    with open(os.path.join(folder, f"{name}.json"), "w") as file:
        json.dump(golden, file, separators=(",", ":"))
        file.write("\n")


def main():
    folder = os.path.abspath(FOLDER)
    os.makedirs(folder, exist_ok=True)
    failed = 0
    for name in sys.argv[1:] or MODELS:
        try:
            write(name, folder)
            print("ok", name)
        except Exception as error:  # noqa: BLE001: the list goes on
            failed += 1
            print("FAILED", name, type(error).__name__, str(error).splitlines()[0][:300])
    print(len(MODELS), "models,", failed, "failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
