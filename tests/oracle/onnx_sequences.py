"""Makes tests/converters-onnx/goldens/keras-sequences.json: recurrent layers, attention and masks, and what Keras says.

Each case is built by Keras 2 and by Keras 3 where both have it; configs are stored without what plays no part in the
outputs, weights and inputs as base64. Rows of zeros in an input are what Masking takes for missing steps.

Needs: tensorflow 2.18, tf_keras 2.18, keras 3.15. Usage: python onnx_sequences.py OUTPUT.json [PART OF A NAME]
"""

import base64
import json
import os
import sys
import zlib

os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["KERAS_BACKEND"] = "tensorflow"

import keras as keras3
import numpy as np
import tensorflow as tf
import tf_keras as keras2

CASES = {}
IRRELEVANT = ("initializer", "regularizer", "constraint")


def case(name, versions="23", integers=None):
    def register(build):
        CASES[name] = {"build": build, "versions": versions, "integers": integers or {}}
        return build

    return register


def masked(k, L, steps=6, features=3):
    x = L.Input((steps, features), name="x")
    return x, L.Masking()(x)


# Recurrent layers


@case("LSTM with activations that are not the default")
def _(k, L):
    x = L.Input((5, 3))
    kinds = [("relu", "sigmoid"), ("softsign", "sigmoid"), ("elu", "tanh"), ("linear", "sigmoid"), ("relu", "linear")]
    return x, [L.LSTM(2, activation=a, recurrent_activation=b, return_sequences=True)(x) for a, b in kinds]


@case("hard_sigmoid gates")
def _(k, L):
    x = L.Input((5, 3))
    options = {"recurrent_activation": "hard_sigmoid", "return_sequences": True}
    return x, [L.LSTM(2, **options)(x), L.GRU(2, **options)(x), L.GRU(2, reset_after=False, go_backwards=True, **options)(x)]


@case("GRU without bias, backwards, of an unknown number of steps")
def _(k, L):
    x = L.Input((None, 3))
    return x, [
        L.GRU(2, use_bias=False, go_backwards=True, return_sequences=True)(x),
        L.GRU(2, use_bias=False, reset_after=False, go_backwards=True, return_sequences=True)(x),
        L.GRU(2, activation="softsign", use_bias=False)(x),
        L.GRU(2, activation="softsign", reset_after=False)(x),
    ]


@case("states in and out, of layers that go backwards")
def _(k, L):
    x, h, c = L.Input((5, 3)), L.Input((2,)), L.Input((2,))
    outputs = []
    outputs += L.LSTM(2, return_sequences=True, return_state=True, go_backwards=True)(x, initial_state=[h, c])
    outputs += L.GRU(2, return_state=True, go_backwards=True)(x, initial_state=h)
    outputs += L.SimpleRNN(2, return_sequences=True, return_state=True)(x, initial_state=h)
    outputs += L.LSTM(2, activation="softsign", return_state=True)(x, initial_state=[h, c])
    return [x, h, c], outputs


@case("stacked cells with all their states")
def _(k, L):
    x = L.Input((5, 3))
    cells = [L.GRUCell(3, reset_after=False), L.SimpleRNNCell(2, use_bias=False), L.LSTMCell(2)]
    outputs = L.RNN(cells, return_sequences=True, return_state=True, go_backwards=True)(x)
    first, *states = outputs
    return x, [first, *tf.nest.flatten(states)]


@case("RNN with a cell and its state")
def _(k, L):
    x, h = L.Input((None, 3)), L.Input((2,))
    return [x, h], [*L.RNN(L.GRUCell(2), return_state=True)(x, initial_state=h), L.RNN(L.LSTMCell(2), go_backwards=True)(x)]


@case("Bidirectional sequences, merged in every way")
def _(k, L):
    x = L.Input((5, 3))
    outputs = [
        L.Bidirectional(L.GRU(2, return_sequences=True), merge_mode=mode)(x) for mode in ("concat", "sum", "ave", "mul")
    ]
    return x, [*outputs, *L.Bidirectional(L.LSTM(2, return_sequences=True), merge_mode=None)(x)]


@case("Bidirectional without sequences and without a merge")
def _(k, L):
    x = L.Input((5, 3))
    return x, list(L.Bidirectional(L.SimpleRNN(2, use_bias=False), merge_mode=None)(x))


@case("Bidirectional of a layer that goes backwards itself", versions="2")
def _(k, L):
    x = L.Input((5, 3))
    return x, [
        L.Bidirectional(L.LSTM(2, return_sequences=True, go_backwards=True))(x),
        L.Bidirectional(L.LSTM(2, go_backwards=True))(x),
    ]


@case("Bidirectional with a backward layer of its own, sequences")
def _(k, L):
    x = L.Input((5, 3))
    backward = L.GRU(3, return_sequences=True, go_backwards=True, reset_after=False, activation="relu")
    return x, L.Bidirectional(L.LSTM(2, return_sequences=True), backward_layer=backward)(x)


@case("Bidirectional with states in and out")
def _(k, L):
    x = L.Input((5, 3))
    states = [L.Input((2,)) for _ in range(4)]
    return [x, *states], list(L.Bidirectional(L.LSTM(2, return_state=True, return_sequences=True))(x, initial_state=states))


@case("Bidirectional of RNN with stacked cells")
def _(k, L):
    x = L.Input((5, 3))
    return x, L.Bidirectional(L.RNN([L.LSTMCell(2), L.GRUCell(2)], return_sequences=True))(x)


@case("ConvLSTM2D with strides, dilation, states and no bias")
def _(k, L):
    x = L.Input((3, 7, 6, 2))
    outputs = [
        L.ConvLSTM2D(2, 3, strides=(2, 1), padding="same")(x),
        L.ConvLSTM2D(2, (2, 3), dilation_rate=(2, 1), use_bias=False, return_sequences=True, go_backwards=True)(x),
        *L.ConvLSTM2D(2, 3, padding="same", return_state=True, activation="relu", recurrent_activation="sigmoid")(x),
    ]
    return x, outputs


@case("ConvLSTM2D of an unknown number of steps, both ways")
def _(k, L):
    x = L.Input((None, 5, 4, 2))
    return x, [
        L.Bidirectional(L.ConvLSTM2D(2, 2, return_sequences=True, recurrent_activation="sigmoid"), merge_mode="sum")(x),
        L.ConvLSTM2D(1, 2, recurrent_activation="sigmoid")(x),
    ]


# Wrapped layers


@case("TimeDistributed of an LSTM, of a TimeDistributed and of pools")
def _(k, L):
    x = L.Input((3, 4, 2))
    return x, [
        L.TimeDistributed(L.LSTM(2, return_sequences=True))(x),
        L.TimeDistributed(L.TimeDistributed(L.Dense(3, activation="relu")))(x),
        L.TimeDistributed(L.MaxPooling1D())(x),
        L.TimeDistributed(L.Bidirectional(L.GRU(2)))(x),
        L.TimeDistributed(L.Softmax())(x),
    ]


@case("TimeDistributed of an unknown number of steps")
def _(k, L):
    x = L.Input((None, 6, 5, 2))
    h = L.TimeDistributed(L.Conv2D(2, 3, padding="same"))(x)
    return x, L.TimeDistributed(L.GlobalAveragePooling2D())(h)


@case("TimeDistributed of a model with frozen layers and a model inside")
def _(k, L):
    inner = k.Sequential([L.Input((4,)), L.Dense(3), L.BatchNormalization()])
    frozen = L.Dense(4)
    frozen.trainable = False
    start = L.Input((4,))
    model = k.Model(start, L.Add()([frozen(start), L.Dense(4)(inner(start))]))
    x = L.Input((3, 4))
    return x, L.TimeDistributed(model)(x)


@case("TimeDistributed of an Embedding", integers={"tokens": 5})
def _(k, L):
    x = L.Input((3, 4), name="tokens")
    return x, L.TimeDistributed(L.Embedding(5, 2))(x)


# Masks


@case("masked recurrent layers")
def _(k, L):
    x, h = masked(k, L)
    options = {"return_sequences": True}
    return x, [
        L.LSTM(2, **options)(h),
        L.GRU(2, **options)(h),
        L.GRU(2, reset_after=False, go_backwards=True, **options)(h),
        L.SimpleRNN(2, **options)(h),
        L.RNN([L.LSTMCell(2), L.GRUCell(3)], **options)(h),
    ]


@case("masked Bidirectional sequences")
def _(k, L):
    x, h = masked(k, L)
    return x, [
        L.Bidirectional(L.LSTM(2, return_sequences=True))(h),
        L.Bidirectional(L.GRU(2, return_sequences=True), merge_mode="sum")(h),
        L.TimeDistributed(L.Dense(2))(L.Bidirectional(L.RNN(L.SimpleRNNCell(2), return_sequences=True))(h)),
    ]


@case("masked steps that give zeros")
def _(k, L):
    x, h = masked(k, L)
    return x, [
        L.RNN(L.GRUCell(2), return_sequences=True, zero_output_for_mask=True)(h),
        L.RNN(L.LSTMCell(2), zero_output_for_mask=True)(h),
    ]


# Keras 3 looks for a mask only where the sequence is the only tensor.
@case("masked layers with states in and out")
def _(k, L):
    x, h = masked(k, L)
    s, c = L.Input((2,)), L.Input((2,))
    return [x, s, c], [
        *L.LSTM(2, return_state=True, return_sequences=True)(h, initial_state=[s, c]),
        *L.GRU(2, return_state=True)(h, initial_state=s),
    ]


@case("masked recurrent layers one behind the other")
def _(k, L):
    x, h = masked(k, L)
    h = L.Dropout(0.5)(L.LSTM(3, return_sequences=True)(h))
    h = L.Bidirectional(L.GRU(2, return_sequences=True))(L.LayerNormalization()(h))
    h = L.Activation("tanh")(L.Dense(3)(h))
    return x, [L.GRU(2)(h), L.Bidirectional(L.LSTM(2), merge_mode="ave")(h), L.GlobalAveragePooling1D()(h)]


@case("a mask ends where a layer does not hand it on")
def _(k, L):
    x, h = masked(k, L)
    return x, [L.GRU(2)(L.Conv1D(3, 1)(h)), L.GRU(2)(L.Reshape((6, 3))(h)), L.LSTM(2)(L.GRU(2, return_sequences=True)(h))]


@case("a mask ends at a layer that is folded into another", versions="2")
def _(k, L):
    x, h = masked(k, L)
    return x, L.GRU(2)(L.Rescaling(2.0, 0.5)(L.Dense(3)(h)))


@case("masks through TimeDistributed")
def _(k, L):
    x, h = masked(k, L)
    return x, L.GRU(2)(L.TimeDistributed(L.Dense(3))(h))


@case("sentences of masked words", integers={"tokens": 3})
def _(k, L):
    x = L.Input((4, 5), name="tokens")
    h = L.TimeDistributed(L.Embedding(3, 4, mask_zero=True))(x)
    return x, [L.GRU(2)(L.TimeDistributed(L.LSTM(3))(h)), L.TimeDistributed(L.LSTM(2, return_sequences=True))(h)]


@case("masks that are merged", versions="2")
def _(k, L):
    x, h = masked(k, L)
    y = L.Input((6, 3), name="y")
    g = L.Masking()(y)
    sequences = [L.Add()([h, g]), L.Concatenate()([h, g]), L.Multiply()([h, L.Dense(3)(y)]), L.Concatenate(axis=1)([h, g])]
    return [x, y], [L.GRU(2)(s) for s in sequences]


@case("one mask that is merged with itself")
def _(k, L):
    x, h = masked(k, L)
    return x, [L.GRU(2)(L.Add()([h, L.Dense(3)(h)])), L.LSTM(2)(L.Concatenate()([h, L.Dense(2)(h)]))]


@case("masks of tokens of whole numbers", integers={"tokens": 3})
def _(k, L):
    x = L.Input((6,), name="tokens", dtype="int32")
    h = L.Embedding(3, 4, mask_zero=True)(x)
    return x, [L.LSTM(2)(L.Dense(3, activation="relu")(h)), L.GlobalAveragePooling1D()(h)]


@case("a model called on a masked sequence")
def _(k, L):
    inner = k.Sequential([L.Input((6, 3)), L.Dense(2), L.LSTM(2)])
    x, h = masked(k, L)
    return x, inner(h)


@case("attention over masked sequences")
def _(k, L):
    x, q = masked(k, L)
    y = L.Input((4, 3), name="y")
    v = L.Masking()(y)
    return [x, y], [
        L.Attention()([q, v]),
        L.AdditiveAttention()([q, v]),
        L.Attention()([L.Dense(3)(x), v]),
        L.GlobalAveragePooling1D()(L.Attention(use_scale=True)([q, y])),
    ]


# In Keras 3 the call that runs first takes the masks off its tensors, so that the later ones do not see them.
@case("heads over masked sequences that others read too")
def _(k, L):
    x, q = masked(k, L)
    y = L.Input((4, 3), name="y")
    v = L.Masking()(y)
    return [x, y], [
        L.MultiHeadAttention(2, 2)(q, v),
        L.MultiHeadAttention(2, 2)(y, q),
        L.MultiHeadAttention(2, 2)(q, q, use_causal_mask=True),
        L.GRU(2)(L.MultiHeadAttention(2, 2)(q, y)),
        L.MultiHeadAttention(2, 2, dropout=0.3)(q, v),
    ]


@case("heads over masked sequences")
def _(k, L):
    x, y = L.Input((6, 3), name="x"), L.Input((4, 3), name="y")
    return [x, y], [
        L.MultiHeadAttention(2, 2)(L.Masking()(x), L.Masking()(y)),
        L.MultiHeadAttention(2, 2, dropout=0.3)(L.Masking()(x), L.Masking()(y)),
        L.GRU(2)(L.MultiHeadAttention(2, 2)(L.Masking()(x), y)),
    ]


# Attention


@case("Attention: keys, causal, scores, sums")
def _(k, L):
    q, v, key = L.Input((4, 3)), L.Input((4, 2)), L.Input((4, 3))
    outputs = [
        L.Attention()([q, v, key]),
        L.Attention(use_scale=True, score_mode="concat")([q, v, key]),
        L.Attention(score_mode="concat")([q, v, key]),
        L.Attention()([q, v, key], use_causal_mask=True),
        L.AdditiveAttention(use_scale=False)([q, v, key], use_causal_mask=True),
        *L.Attention()([q, v, key], return_attention_scores=True),
    ]
    return [q, v, key], outputs


@case("attention of unknown lengths")
def _(k, L):
    q, v = L.Input((None, 3)), L.Input((None, 3))
    return [q, v], [
        L.Attention()([q, v], use_causal_mask=True),
        L.MultiHeadAttention(2, 2)(q, v),
        L.MultiHeadAttention(2, 2)(q, v, use_causal_mask=True),
        *L.MultiHeadAttention(2, 2)(q, v, return_attention_scores=True),
    ]


@case("heads with a mask of their own and scores")
def _(k, L):
    q, v, mask = L.Input((4, 6)), L.Input((5, 6)), L.Input((4, 5), name="mask")
    return [q, v, mask], [
        L.MultiHeadAttention(2, 3)(q, v, attention_mask=mask),
        *L.MultiHeadAttention(2, 3, value_dim=2, output_shape=(2, 3))(q, v, return_attention_scores=True),
        L.MultiHeadAttention(2, 3)(q, v, v, attention_mask=mask, use_causal_mask=True),
    ]


@case("heads along other axes")
def _(k, L):
    q, v = L.Input((3, 4, 5)), L.Input((3, 4, 5))
    return [q, v], [
        L.MultiHeadAttention(2, 3, attention_axes=(1,))(q, v),
        L.MultiHeadAttention(2, 3, attention_axes=(2,))(q, v),
        L.MultiHeadAttention(2, 3, attention_axes=-2, use_bias=False)(q, v) if k is keras3 else q,
        L.MultiHeadAttention(2, 3)(q, v),
    ]


@case("heads along other axes with a mask of their own")
def _(k, L):
    q, mask = L.Input((2, 3, 4)), L.Input((2, 3, 3), name="mask")
    return [q, mask], L.MultiHeadAttention(2, 3, attention_axes=(2,))(q, q, attention_mask=mask)


@case("heads along two axes with a mask of their own")
def _(k, L):
    q, mask = L.Input((2, 3, 4)), L.Input((2, 3, 2, 3), name="mask")
    return [q, mask], L.MultiHeadAttention(2, 3)(q, q, attention_mask=mask)


@case("heads with gates and windows", versions="3")
def _(k, L):
    q, v = L.Input((6, 4)), L.Input((5, 4))
    return [q, v], [
        L.MultiHeadAttention(2, 3, value_dim=2, use_gate=True)(q, v),
        L.MultiHeadAttention(2, 3, sliding_window=2)(q, v),
        L.MultiHeadAttention(2, 3, sliding_window=3)(q, q, use_causal_mask=True),
    ]


@case("groups of queries", versions="3")
def _(k, L):
    q, v = L.Input((6, 4)), L.Input((5, 4))
    make = L.GroupQueryAttention
    return [q, v], [
        make(3, 4, 2)(q, v),
        make(3, 4, 4, use_bias=False)(q, v),
        make(3, 4, 1)(q, q, use_causal_mask=True),
        make(3, 4, 2, use_gate=True, sliding_window=2)(q, q),
        *make(3, 4, 2)(q, v, return_attention_scores=True),
    ]


@case("Einstein sums")
def _(k, L):
    x = L.Input((4, 6))
    return x, [
        L.EinsumDense("abc,cd->adb", output_shape=(5, None))(x),
        L.EinsumDense("abc,bd->adc", output_shape=(3, None), bias_axes="d")(x),
        L.EinsumDense("abc,cd->abd", output_shape=(4, 5), bias_axes="bd", activation="relu")(x),
        L.EinsumDense("abc,bcd->ad", output_shape=(3,), bias_axes="d")(x),
        L.EinsumDense("ab...,bc->ac...", output_shape=(3,), bias_axes="c")(x),
        L.EinsumDense("...x,xyz->...yz", output_shape=(2, 3), activation="softmax")(x),
    ]


@case("an Einstein sum of unknown sizes")
def _(k, L):
    x = L.Input((None, None, 4))
    return x, L.EinsumDense("...ab,bc->...ac", output_shape=(None, 3), bias_axes="c")(x)


def encode(array):
    data = np.asarray(array, dtype="<f4")
    return {"shape": list(data.shape), "data": base64.b64encode(data.tobytes()).decode()}


def bare(value):
    """A config without what plays no part in the outputs."""
    if isinstance(value, dict):
        kept = {key: bare(item) for key, item in value.items() if not any(word in key for word in IRRELEVANT)}
        policies = [key for key, item in kept.items() if key == "dtype" and isinstance(item, dict)]
        return {key: item for key, item in kept.items() if key not in ("build_config", "compile_config", *policies)}
    return [bare(item) for item in value] if isinstance(value, list) else value


def sample(tensor, top, random):
    """Two examples; the second step of the first and the last two of the other are missing."""
    sizes = [2 if i == 0 else (4 if size is None else size) for i, size in enumerate(tensor.shape)]
    if top is not None:
        return random.randint(0, top, sizes).astype("float32")
    values = random.uniform(-1, 1, sizes).astype("float32")
    name = tensor.name.split(":")[0]
    if name == "mask":
        return (values > -0.3).astype("float32")
    if name in ("x", "y"):
        values[0, 1] = 0
        values[1, -2:] = 0
        if name == "y":
            values[1, 0] = 0
    return values


def weights_of(model, k, path=""):
    """For each layer its weights in the order of Keras's files, nested models' layers behind the models' names."""
    weights = {}
    for layer in model.layers:
        if isinstance(layer, k.Model):
            weights |= weights_of(layer, k, f"{path}{layer.name} > ")
            continue
        tensors = list(layer.trainable_weights) + list(layer.non_trainable_weights)
        if tensors:
            weights[path + layer.name] = [encode(np.asarray(tensor)) for tensor in tensors]
    return weights


def make(name, entry, version):
    k = keras2 if version == "2" else keras3
    k.backend.clear_session()
    k.utils.set_random_seed(1)
    random = np.random.RandomState(zlib.crc32(name.encode()) & 0x7FFFFFFF)
    inputs, outputs = entry["build"](k, k.layers)
    model = k.Model(inputs, outputs)
    for weight in model.weights:
        if "seed" in weight.name:
            continue
        shape = tuple(weight.shape)
        positive = "variance" in weight.name
        weight.assign((random.uniform(0.5, 1.5, shape) if positive else random.normal(0, 0.5, shape)).astype("float32"))
    values = [sample(tensor, entry["integers"].get(tensor.name.split(":")[0]), random) for tensor in model.inputs]
    results = tf.nest.flatten(model(values if len(values) > 1 else values[0], training=False))
    config = json.loads(model.to_json())
    return {
        "name": name,
        "keras": version,
        "config": bare(config),
        "weights": weights_of(model, k),
        "inputs": [encode(value) for value in values],
        "outputs": [encode(np.asarray(tf.cast(result, tf.float32))) for result in results],
    }


cases = []
for name, entry in CASES.items():
    if len(sys.argv) > 2 and sys.argv[2] not in name:
        continue
    for version in entry["versions"]:
        cases.append(make(name, entry, version))
with open(sys.argv[1], "w") as file:
    json.dump({"cases": cases}, file, separators=(",", ":"))
print(len(cases), "cases")
