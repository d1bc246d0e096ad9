"""Recurrent layers, their wrappers, cells, states and masks."""

from corpus.registry import functional, model


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


@model(inputs={"tokens": 4})
def masked_transformer(k, L):
    """Masks that are merged, taken by attention and by a mean."""
    x = L.Input((6,), name="tokens")
    h = L.Add()([L.Embedding(4, 6, mask_zero=True)(x), L.Embedding(4, 6, mask_zero=True)(x)])
    a = L.MultiHeadAttention(num_heads=2, key_dim=3)(h, h)
    h = L.LayerNormalization()(L.Add()([h, a]))
    return functional(k, x, L.Dense(2)(L.GlobalAveragePooling1D()(L.Dense(5, activation="relu")(h))))


@model(inputs={"source": 4, "target": 4})
def masked_attention(k, L):
    """Masks of two inputs, and layers that no mask reaches behind others that take one."""
    x, y = L.Input((6,), name="source"), L.Input((5,), name="target")
    source = L.Embedding(4, 3, mask_zero=True)(x)
    target = L.Embedding(4, 3, mask_zero=True)(y)
    encoded = L.Bidirectional(L.LSTM(2, return_sequences=True))(source)
    asked = L.GRU(4, return_sequences=True)(target)
    seen = L.Attention()([asked, encoded])
    repeated = L.LSTM(2, return_sequences=True)(L.RepeatVector(3)(L.LSTM(3)(seen)))
    return functional(k, [x, y], [seen, repeated, L.TimeDistributed(L.Dense(2))(encoded), L.AdditiveAttention()([asked, encoded])])


@model(inputs={"tokens": 4, "allowed": 2})
def masked_attention_called(k, L):
    """Attention that masks reach, and that is called with one of its own."""
    x, allowed = L.Input((5,), name="tokens"), L.Input((5, 5), name="allowed")
    h = L.Embedding(4, 4, mask_zero=True)(x)
    return functional(k, [x, allowed], L.MultiHeadAttention(num_heads=2, key_dim=2)(h, h, attention_mask=allowed))


@model(inputs={"steps": 3}, same=False)  # Keras 3 has no mask where only some of the inputs of a merge have one
def masking_of_sequences(k, L):
    x = L.Input((4, 5, 3, 2))
    y = L.Input((5, 1), name="steps")
    a = L.Masking(mask_value=0.0)(y)
    forth, h, c = L.LSTM(2, return_sequences=True, return_state=True)(a)
    back = L.Bidirectional(L.GRU(2, return_sequences=True), merge_mode="ave")(forth)
    joined = L.Concatenate()([forth, back])
    unmasked = L.SimpleRNN(2)(L.Dense(3)(y))
    return functional(k, [x, y], [L.ConvLSTM2D(2, 2, recurrent_activation="sigmoid")(x), L.GRU(3)(joined), L.LSTM(2)(joined, initial_state=[h, c]), unmasked])


@model(inputs={"tokens": 4}, same=False)  # Keras 3's first attention takes the mask off, so that the second has none
def masked_two_blocks(k, L):
    x = L.Input((6,), name="tokens")
    h = L.Embedding(4, 6, mask_zero=True)(x)
    for _ in range(2):
        a = L.MultiHeadAttention(num_heads=2, key_dim=3)(h, h)
        h = L.LayerNormalization()(L.Add()([h, a]))
    return functional(k, x, [h, L.GlobalAveragePooling1D()(h)])


@model()
def wrapped_same_names(k, L):
    """Models in wrappers whose layers have the names of each other's, and of a layer beside them."""
    x = L.Input((3, 4))

    def inner(name):
        return k.Sequential([L.Input((4,)), L.Dense(5, name="same"), L.BatchNormalization(name="norm")], name=name)

    first = L.TimeDistributed(inner("first"), name="wrapper")(x)
    second = L.TimeDistributed(inner("second"), name="wrapper_again")(x)
    return functional(k, x, [first, second, L.Dense(5, name="same")(x)])


@model()
def states_and_others(k, L):
    """Recurrent layers that start from zeros behind others that are given states, and the same in a model within."""
    x, y = L.Input((4, 3), name="source"), L.Input((5, 3), name="target")
    _, h, c = L.LSTM(2, return_state=True)(x)
    after = L.LSTM(2)(L.LSTM(2, return_sequences=True)(y, initial_state=[h, c]))
    a, s, t = L.Input((5, 3)), L.Input((2,)), L.Input((2,))
    inside = L.LSTM(2)(L.LSTM(2, return_sequences=True)(a, initial_state=[s, t]))
    inner = k.Model([a, s, t], inside, name="inner")
    return functional(k, [x, y], [after, inner([y, h, c]), L.GRU(2)(y)])
