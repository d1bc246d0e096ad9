"""Attention, and layers that prepare data."""

from corpus.registry import functional, keras3, model


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
