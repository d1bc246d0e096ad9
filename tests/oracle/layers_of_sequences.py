"""Merges, recurrent layers, attention and layers that prepare data, as Keras 2 and Keras 3 compute them.

Needs: tensorflow 2.18, tf_keras 2.18, keras 3.15, numpy 1.26 to 2.0.
Run from the repository root: python tests/oracle/layers_of_sequences.py
Writes tests/layers/goldens/sequences.json, with the cases of layers_of_converter.py, but with lists of outputs and of
vectors `upstream`, and with configs as Keras 2 writes them (those of layers that only Keras 3 has without its dtype).
"""

import json
import os
import zlib

from layers_of_converter import FOLDER, flat, keras2, keras3, np, tf, values_of

CASES = {}


def add(name, build, inputs, versions="23", call=None, options=None, integers=0, gradients=True, masks=()):
    """`build` gets Keras, `call` the layer and its inputs; `options` are what a call says and a config of ours holds; `masks`: inputs of 0 and 1."""
    CASES[name] = dict(
        build=build, shapes=inputs, versions=versions, call=call, options=options or {}, integers=integers, gradients=gradients, masks=masks
    )


def short(config):
    """Without what says how weights begin, and without what Keras 2 does not write."""
    if isinstance(config, list):
        return [short(item) for item in config]
    if not isinstance(config, dict):
        return config
    left_out = ("_initializer", "_regularizer", "_constraint", "dtype", "module", "registered_name", "build_config", "seed", "_shape")
    return {key: short(item) for key, item in config.items() if key == "output_shape" or not key.endswith(left_out)}


def computed(keras, name, entry):
    rng = np.random.RandomState(zlib.crc32(name.encode()) & 0x7FFFFFFF)
    keras.backend.clear_session()
    layer = entry["build"](keras)
    top = entry["integers"]
    inputs = [
        (rng.randint(0, top, shape) if top else rng.normal(0, 1, shape)).astype("float32") for shape in entry["shapes"]
    ]
    for i in entry["masks"]:
        inputs[i] = (inputs[i] > -0.3).astype("float32")
    tensors = [tf.constant(x) for x in inputs]

    def run():
        if entry["call"] is not None:
            return entry["call"](layer, tensors)
        return layer(tensors if len(tensors) > 1 else tensors[0])

    run()
    variables = layer.trainable_weights + layer.non_trainable_weights  # the order of files
    weights = [values_of(w, rng) for w in variables]
    for weight, value in zip(variables, weights):
        weight.assign(value)
    trainable = [getattr(w, "value", w) if not isinstance(w, tf.Variable) else w for w in layer.trainable_weights]
    with tf.GradientTape() as tape:
        for tensor in tensors:
            tape.watch(tensor)
        outputs = [tf.cast(y, tf.float32) for y in tf.nest.flatten(run())]
        upstream = [rng.normal(0, 1, y.shape).astype("float32") for y in outputs]
        loss = tf.add_n([tf.reduce_sum(y * u) for y, u in zip(outputs, upstream)])
    result = {
        "inputs": [flat(x) for x in inputs],
        "weights": [flat(w) for w in weights],
        "outputs": [flat(y) for y in outputs],
        "upstream": [flat(u) for u in upstream],
    }
    if entry["gradients"]:
        gradients = tape.gradient(loss, tensors + trainable)
        result["inputGradients"] = [flat(g) for g in gradients[: len(tensors)]]
        result["weightGradients"] = [flat(g) for g in gradients[len(tensors) :]]
    config = json.loads(json.dumps(layer.get_config(), default=lambda item: dict(item) if hasattr(item, "keys") else list(item)))
    result["config"] = {**short(config), **entry["options"]}
    result["className"] = {"GroupedQueryAttention": "GroupQueryAttention"}.get(type(layer).__name__, type(layer).__name__)
    return result


def numbers(result):
    keys = ("outputs", "inputGradients", "weightGradients")
    return np.concatenate([np.array(item["data"]) for key in keys for item in result.get(key, [])])


def both(name, entry):
    found = [computed(keras2 if version == "2" else keras3, name, entry) for version in entry["versions"]]
    if len(found) == 2:
        a, b = numbers(found[0]), numbers(found[1])
        worst = np.max(np.abs(a - b) / np.maximum(1, np.abs(a)))
        assert worst < 1e-5, f"{name}: Keras 2 and 3 differ by {worst}"
    return found[0]


def wrapped(outer, inner, **more):
    """`outer(inner(...))` of one Keras; arguments of the inner class in a dict."""
    class_name, config = inner
    return lambda k: getattr(k.layers, outer)(getattr(k.layers, class_name)(**config), **more)


def layer(class_name, **config):
    return lambda k: getattr(k.layers, class_name)(**config)


# Merges
add("Subtract", layer("Subtract"), [(2, 3, 4), (2, 3, 4)])
add("Subtract, broadcast", layer("Subtract"), [(2, 3, 4), (2, 1, 4)])
add("Dot of vectors", layer("Dot", axes=1), [(2, 5), (2, 5)])
add("Dot of sequences", layer("Dot", axes=[2, 1]), [(2, 3, 4), (2, 4, 5)])
add("Dot of four axes", layer("Dot", axes=[3, 1]), [(2, 3, 2, 4), (2, 4, 3, 2)], versions="23")
add("Dot of four axes and three, normalized", layer("Dot", axes=(2, 2), normalize=True), [(2, 3, 4, 2), (2, 5, 4)])

# Recurrent layers
T = (2, 5, 3)
add("GRU", layer("GRU", units=4), [T])
add("GRU of sequences backwards", layer("GRU", units=3, return_sequences=True, go_backwards=True, activation="relu", use_bias=False), [T])
add("GRU with its state", layer("GRU", units=3, return_sequences=True, return_state=True), [T])
add("GRU from a state", layer("GRU", units=3), [T, (2, 3)], call=lambda f, x: f(x[0], initial_state=x[1]))
add("RNN of a GRUCell", wrapped("RNN", ("GRUCell", {"units": 3}), return_sequences=True), [T])
add("RNN of stacked cells", lambda k: k.layers.RNN([k.layers.LSTMCell(3), k.layers.GRUCell(2), k.layers.SimpleRNNCell(4)]), [T])
add(
    "ConvLSTM1D",
    layer("ConvLSTM1D", filters=2, kernel_size=3, strides=2, return_sequences=True, recurrent_activation="sigmoid"),
    [(2, 3, 7, 2)],
)
add(
    "ConvLSTM1D with a dilation, backwards",
    layer("ConvLSTM1D", filters=2, kernel_size=2, dilation_rate=2, padding="same", go_backwards=True, recurrent_activation="sigmoid"),
    [(2, 3, 6, 2)],
)
add("ConvLSTM3D", layer("ConvLSTM3D", filters=2, kernel_size=2, padding="same", use_bias=False, recurrent_activation="sigmoid"), [(1, 2, 3, 4, 3, 2)])
for mode in ("concat", "sum", "ave", "mul"):
    add(f"Bidirectional, {mode}", wrapped("Bidirectional", ("GRU", {"units": 2, "return_sequences": True}), merge_mode=mode), [T])
add("Bidirectional, both outputs", wrapped("Bidirectional", ("LSTM", {"units": 2, "return_sequences": True}), merge_mode=None), [T])
add("Bidirectional with states", wrapped("Bidirectional", ("LSTM", {"units": 2, "return_state": True})), [T])
add(
    "Bidirectional with a backward layer",
    lambda k: k.layers.Bidirectional(
        k.layers.LSTM(2, return_sequences=True),
        backward_layer=k.layers.GRU(3, return_sequences=True, go_backwards=True, activation="relu"),
    ),
    [T],
)
add("TimeDistributed", wrapped("TimeDistributed", ("Conv2D", {"filters": 2, "kernel_size": 3})), [(2, 3, 5, 4, 2)])
add("TimeDistributed of a layer of ours", wrapped("TimeDistributed", ("Conv1DTranspose", {"filters": 2, "kernel_size": 3})), [(2, 3, 5, 2)])

# Attention
Q, V, K = (2, 4, 3), (2, 5, 3), (2, 5, 3)
for scale in (False, True):
    add(f"Attention, scale {scale}", layer("Attention", use_scale=scale), [Q, V])
    add(f"AdditiveAttention, scale {scale}", layer("AdditiveAttention", use_scale=scale), [Q, V, K])
    add(f"Attention by sums, scale {scale}", layer("Attention", use_scale=scale, score_mode="concat"), [Q, V, K])
causal = {"use_causal_mask": True}
scores = {"return_attention_scores": True}
add("Attention, causal", layer("Attention"), [V, V], call=lambda f, x: f(x, **causal), options=causal)
add("Attention with its weights", layer("Attention"), [Q, V], call=lambda f, x: f(x, **scores), options=scores)
add(
    "Attention with masks",
    layer("Attention"),
    [Q, V, (2, 4), (2, 5)],
    call=lambda f, x: f(x[:2], mask=[x[2] > 0, x[3] > 0]),
    masks=(2, 3),
    options={"call_inputs": ["query", "value", "query_mask", "value_mask"]},
    gradients=False,
)


def heads(f, x, **more):
    return f(*x, **more)


M, N = (2, 4, 6), (2, 5, 6)
add("MultiHeadAttention", layer("MultiHeadAttention", num_heads=2, key_dim=3), [M, N], call=heads)
add(
    "MultiHeadAttention of three inputs",
    layer("MultiHeadAttention", num_heads=3, key_dim=2, value_dim=4, use_bias=False, output_shape=5),
    [M, (2, 5, 3), N],
    call=heads,
)
add(
    "MultiHeadAttention, causal",
    layer("MultiHeadAttention", num_heads=2, key_dim=2),
    [M, N],
    call=lambda f, x: heads(f, x, **causal),
    options=causal,
)
add(
    "MultiHeadAttention with its weights",
    layer("MultiHeadAttention", num_heads=2, key_dim=2, output_shape=[3, 2]),
    [M, N],
    call=lambda f, x: heads(f, x, **scores),
    options=scores,
)
add("MultiHeadAttention over rows and columns", layer("MultiHeadAttention", num_heads=2, key_dim=3), [(2, 3, 2, 4), (2, 2, 3, 4)], call=heads)
add("MultiHeadAttention along columns", layer("MultiHeadAttention", num_heads=2, key_dim=3, attention_axes=[2]), [(2, 3, 2, 4), (2, 3, 4, 4)], call=heads)
add("MultiHeadAttention with a window and a gate", layer("MultiHeadAttention", num_heads=2, key_dim=2, sliding_window=2, use_gate=True), [M, M], versions="3", call=heads)
add(
    "MultiHeadAttention with masks",
    layer("MultiHeadAttention", num_heads=2, key_dim=2),
    [M, N, (2, 4, 5)],
    call=lambda f, x: f(x[0], x[1], attention_mask=x[2] > 0),
    masks=(2,),
    options={"call_inputs": ["query", "value", "attention_mask"]},
    gradients=False,
)
add("GroupQueryAttention", layer("GroupQueryAttention", head_dim=3, num_query_heads=4, num_key_value_heads=2), [M, N], versions="3", call=heads)
add(
    "GroupQueryAttention, causal with a gate",
    layer("GroupQueryAttention", head_dim=2, num_query_heads=4, num_key_value_heads=1, use_bias=False, use_gate=True),
    [M, M],
    versions="3",
    call=lambda f, x: heads(f, x, **causal),
    options=causal,
)

# Products
add("EinsumDense", layer("EinsumDense", equation="abc,cd->abd", output_shape=(None, 5), bias_axes="d", activation="relu"), [(2, 4, 6)])
# TensorFlow 2.18's own einsum is wrong with an ellipsis of three axes or more.
add("EinsumDense with an ellipsis", layer("EinsumDense", equation="...x,xy->...y", output_shape=3, bias_axes="y"), [(2, 4, 6)])
add("EinsumDense with an ellipsis behind", layer("EinsumDense", equation="ab...,bc->ac...", output_shape=(5,), bias_axes="c"), [(2, 3, 4, 2)])
add("EinsumDense of two axes", layer("EinsumDense", equation="abcd,cde->abe", output_shape=(None, 5), bias_axes="e"), [(2, 3, 4, 2)])
add("EinsumDense of each row", layer("EinsumDense", equation="abc,bcd->abd", output_shape=(3, 5), bias_axes="bd"), [(2, 3, 4)])
add("EinsumDense to the front", layer("EinsumDense", equation="ABC,CD->ADB", output_shape=(5, None), bias_axes="D"), [(2, 3, 4)])

# Data
add("Identity", layer("Identity"), [(2, 3)])
for mode in ("one_hot", "multi_hot", "count"):
    add(f"CategoryEncoding, {mode}", layer("CategoryEncoding", num_tokens=5, output_mode=mode), [(2, 4)], integers=5, gradients=False, versions="3" if mode == "one_hot" else "23")
    add(f"CategoryEncoding of one, {mode}", layer("CategoryEncoding", num_tokens=5, output_mode=mode), [(3, 1)], integers=5, gradients=False)
bins = [-0.5, 0.0, 0.5]
add("Discretization", layer("Discretization", bin_boundaries=bins), [(2, 4)], gradients=False)
add("Discretization, boundaries", layer("Discretization", bin_boundaries=[1.0, 2.0]), [(2, 4)], integers=4, gradients=False)
for mode in ("one_hot", "multi_hot", "count"):
    add(f"Discretization, {mode}", layer("Discretization", bin_boundaries=bins, output_mode=mode), [(2, 4)], gradients=False, versions="3" if mode == "one_hot" else "23")
P = (2, 6, 8, 3)
for how in ("bilinear", "nearest", "bicubic", "lanczos3", "lanczos5"):
    add(f"Resizing, {how}", layer("Resizing", height=4, width=13, interpolation=how), [P])
for how in ("gaussian", "mitchellcubic", "area"):
    add(f"Resizing, {how}", layer("Resizing", height=4, width=5, interpolation=how), [P], versions="2", gradients=how != "area")
for how in ("bilinear", "bicubic", "lanczos3"):
    add(f"Resizing with antialias, {how}", layer("Resizing", height=3, width=11, interpolation=how, antialias=True), [P], versions="3")
add("Resizing that keeps proportions", layer("Resizing", height=4, width=4, crop_to_aspect_ratio=True), [P])
add("Resizing with borders", layer("Resizing", height=4, width=4, pad_to_aspect_ratio=True, fill_value=0.5), [P], versions="3")
add("CenterCrop", layer("CenterCrop", height=3, width=5), [P])
add("CenterCrop of the same width", layer("CenterCrop", height=3, width=8), [P])
add("CenterCrop to more", layer("CenterCrop", height=7, width=5), [P])
add("RandomFlip", layer("RandomFlip", mode="horizontal"), [P], call=lambda f, x: f(x[0], training=False))
add("RandomZoom", layer("RandomZoom", height_factor=0.1), [P], call=lambda f, x: f(x[0], training=False))
add("Normalization, inverted", layer("Normalization", mean=[0.5, 1.5, 2.0], variance=[1.0, 4.0, 0.25], invert=True), [(2, 4, 3)])
add("SpectralNormalization", wrapped("SpectralNormalization", ("Dense", {"units": 3}), power_iterations=2), [(2, 4)], versions="3")


if __name__ == "__main__":
    os.makedirs(FOLDER, exist_ok=True)
    goldens = {}
    for case, given in CASES.items():
        try:
            goldens[case] = both(case, given)
        except Exception as error:  # noqa: BLE001: the list goes on
            print("FAILED", case, type(error).__name__, str(error)[:300])
    with open(os.path.join(FOLDER, "sequences.json"), "w") as file:
        json.dump(goldens, file, separators=(",", ":"))
        file.write("\n")
    print(len(goldens), "of", len(CASES), "cases")
