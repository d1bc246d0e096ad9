"""Convolutions, and what follows on them."""

from corpus.registry import functional, model


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
