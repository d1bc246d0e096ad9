"""Pooling, normalization, and what only training sees."""

from corpus.registry import functional, model


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
