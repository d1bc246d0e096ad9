"""Whole small networks as users build them."""

from corpus.registry import functional, model


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
