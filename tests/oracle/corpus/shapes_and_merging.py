"""Layers that move, cut, pad or bring together."""

from corpus.registry import functional, model


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
