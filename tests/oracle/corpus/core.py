"""Dense layers, activations and embeddings."""

from corpus.registry import functional, model


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
