"""The operations of `converters/keras/operation-list.ts`, as Keras 3 computes them.

Needs: tensorflow 2.18, keras 3.15, numpy 1.26 to 2.0.
Run from the repository root: python tests/oracle/operations_of_converter.py
Writes tests/layers/goldens/operations.json: for each case the layer's config, its inputs, the outputs, a vector
`upstream` with the size of the first output, and the gradients of `sum(upstream * output)` by the inputs, where there are
any.
"""

import json
import os
import zlib

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""
os.environ["KERAS_BACKEND"] = "tensorflow"

import keras
import numpy as np
import tensorflow as tf

o = keras.ops
FOLDER = os.path.join(os.path.dirname(__file__), "..", "layers", "goldens")
CASES = []


def add(name, compute, shapes, operands=None, kind="normal", operation=None, **options):
    """`operands`: which inputs and constants in order, by default the inputs as they are."""
    CASES.append((name, operation or name.split(",")[0], compute, shapes, operands, kind, options))


def flat(value):
    array = np.asarray(value)
    return {"shape": list(array.shape), "data": [float(f"{x:.7g}") for x in array.astype("float32").ravel()]}


def made(kind, rng, shape):
    if kind == "positive":
        return rng.uniform(0.2, 2, shape).astype("float32")
    if kind == "inner":
        return rng.uniform(-0.9, 0.9, shape).astype("float32")
    if kind == "places":
        return rng.randint(0, 3, shape).astype("float32")
    return rng.normal(0, 1.5, shape).astype("float32")


A, B, M = (2, 3, 4), (2, 1, 4), (2, 4, 6, 3)
for name in "add subtract multiply divide maximum minimum".split():
    add(name, getattr(o, name), [A, B])
    add(f"{name}, a constant", lambda x, f=getattr(o, name): f(x, 1.5), [A], [{"tensor": 0}, {"value": 1.5}])
add("subtract, from a constant", lambda x: 1 - x, [A], [{"value": 1}, {"tensor": 0}])
add("multiply, a list", lambda x: x * np.array([1, 2, 3, 4], "float32"), [A], [{"tensor": 0}, {"value": [1, 2, 3, 4]}])
add("floor_divide", o.floor_divide, [A, B])
add("mod", o.mod, [A, B])
add("power", lambda x: o.power(x, 1.5), [A], [{"tensor": 0}, {"value": 1.5}], kind="positive")
add("power, of two tensors", o.power, [A, B], kind="positive")
add("squared_difference", lambda a, b: o.square(a - b), [A, B])
for name in "equal not_equal greater greater_equal less less_equal".split():
    add(name, getattr(o, name), [A, B], kind="places")
for name in "logical_and logical_or".split():
    add(name, lambda a, b, f=getattr(o, name): f(o.cast(a, "bool"), o.cast(b, "bool")), [A, B], kind="places")
add("where", lambda c, a, b: o.where(o.cast(c, "bool"), a, b), [A, A, B], kind="places")
for name in (
    "negative absolute sign square exp expm1 sin cos arctan sinh cosh tanh floor ceil round erf reciprocal relu relu6 "
    "sigmoid log_sigmoid softplus softsign silu selu elu leaky_relu hard_sigmoid hard_silu"
).split():
    add(name, getattr(o, name), [A])
for name in "sqrt rsqrt log log1p".split():
    add(name, getattr(o, name), [A], kind="positive")
for name in "arcsin arccos tan".split():
    add(name, getattr(o, name), [A], kind="inner")
add("identity", lambda x: x * 1.0, [A])
add("mish", keras.activations.mish, [A])
add("logical_not", lambda x: o.logical_not(o.cast(x, "bool")), [A], kind="places")
add("clip", lambda x: o.clip(x, -0.5, 0.75), [A], min=-0.5, max=0.75)
add("clip, from below", lambda x: o.maximum(x, -0.5), [A], min=-0.5, max=None)
add("cast", lambda x: o.cast(x, "int32"), [A], dtype="int32")
add("elu, alpha", lambda x: o.elu(x, 0.3), [A], alpha=0.3)
add("leaky_relu, slope", lambda x: o.leaky_relu(x, 0.05), [A], negative_slope=0.05)
add("gelu", lambda x: o.gelu(x, approximate=True), [A], approximate=True)
add("gelu, exact", lambda x: o.gelu(x, approximate=False), [A], approximate=False)
for name in ("softmax", "log_softmax"):
    for axis in (1, -1):
        add(f"{name}, axis {axis}", lambda x, f=getattr(o, name), a=axis: f(x, axis=a), [A], axis=axis)
add("l2_normalize", lambda x: tf.math.l2_normalize(x, [1, 2]), [A], axis=[1, 2], epsilon=1e-12)
for name in "mean sum prod max min var std logsumexp any all".split():
    for axis, keep in ((1, False), (-1, True), ((1, 2), False), (None, False)):
        given = None if axis is None else [axis] if isinstance(axis, int) else list(axis)
        call = getattr(o, name)
        add(
            f"{name}, axis {axis}{', kept' if keep else ''}",
            lambda x, f=call, a=axis, k=keep: f(x, axis=a, keepdims=k),
            [A],
            kind="places" if name in ("any", "all") else "normal",
            axis=given,
            keepdims=keep,
        )
for name in ("argmax", "argmin"):
    for axis, keep in ((1, False), (-1, True), (None, False)):
        add(f"{name}, axis {axis}", lambda x, f=getattr(o, name), a=axis, k=keep: f(x, axis=a, keepdims=k), [A], axis=axis, keepdims=keep)
add("cumsum", lambda x: o.cumsum(x, axis=1), [A], axis=1, exclusive=False, reverse=False)
add("cumsum, exclusive and reverse", lambda x: tf.cumsum(x, axis=-1, exclusive=True, reverse=True), [A], axis=-1, exclusive=True, reverse=True)
add("reshape", lambda x: o.reshape(x, (-1, 12)), [A], shape=[-1, 12])
add("reshape, open inside", lambda x: o.reshape(x, (2, -1, 2)), [A], shape=[2, -1, 2])
add("transpose", lambda x: o.transpose(x, (0, 2, 1)), [A], axes=[0, 2, 1])
add("transpose, turned around", lambda x: o.transpose(x), [A], axes=None)
add("expand_dims", lambda x: o.expand_dims(x, -1), [A], axis=[-1])
add("expand_dims, two", lambda x: o.expand_dims(x, (1, 3)), [A], axis=[1, 3])
add("squeeze", lambda x: o.squeeze(x, 1), [B], axis=[1])
add("squeeze, all", lambda x: o.squeeze(x), [B], axis=None)
add("concatenate", lambda a, b: o.concatenate([a, b], axis=1), [A, B], axis=1)
add("concatenate, a constant", lambda a: o.concatenate([a, np.ones((2, 3, 1), "float32")], axis=-1), [A], [{"tensor": 0}, {"value": [[[1]] * 3] * 2}], axis=-1)
add("stack", lambda a, b: o.stack([a, b], axis=1), [A, A], axis=1)
add("stack, last", lambda a, b: o.stack([a, b], axis=-1), [A, A], axis=-1)
add("split", lambda x: o.split(x, 2, axis=-1), [A], sections=2, indices=[], axis=-1)
add("split, at places", lambda x: o.split(x, [1, 3], axis=2), [A], sections=None, indices=[1, 3], axis=2)
R = lambda start=None, stop=None, step=None: {"start": start, "stop": stop, "step": step}  # noqa: E731
add("get_item", lambda x: x[:, 1:], [A], slices=[R(), R(1)])
add("get_item, an index", lambda x: x[:, -1], [A], slices=[R(), {"index": -1}])
add("get_item, a new axis", lambda x: x[:, None, 0, 1:3], [A], slices=[R(), {"new_axis": True}, {"index": 0}, R(1, 3)])
add("get_item, an ellipsis", lambda x: x[..., 1], [A], slices=[{"ellipsis": True}, {"index": 1}])
add("get_item, an ellipsis and a new axis", lambda x: x[..., None], [A], slices=[{"ellipsis": True}, {"new_axis": True}])
add("get_item, steps", lambda x: x[:, ::2, 1::2], [A], slices=[R(), R(step=2), R(1, None, 2)])
add("get_item, backwards", lambda x: x[:, ::-1, 3:0:-2], [A], slices=[R(), R(step=-1), R(3, 0, -2)])
add("get_item, from the end", lambda x: x[:, -2:, :-1], [A], slices=[R(), R(-2), R(None, -1)])
add("take", lambda x: o.take(x, np.array([[0, 2], [1, 1]]), axis=1), [A], [{"tensor": 0}, {"value": [[0, 2], [1, 1]]}], axis=1)
add("take, of a table", lambda i: o.take(np.arange(12, dtype="float32").reshape(3, 4), o.cast(i, "int32"), axis=0), [(2, 3)], [{"value": np.arange(12).reshape(3, 4).tolist()}, {"tensor": 0}], kind="places", axis=0)
add("tile", lambda x: o.tile(x, (1, 2, 3)), [A], repeats=[1, 2, 3])
add("repeat", lambda x: o.repeat(x, 3, axis=1), [A], repeats=3, axis=1)
add("flip", lambda x: o.flip(x, axis=1), [A], axis=[1])
add("flip, all", lambda x: o.flip(x), [A], axis=None)
for mode in ("constant", "reflect", "symmetric"):
    more = {"constant_values": 0.5} if mode == "constant" else {}
    add(f"pad, {mode}", lambda x, m=mode, k=more: o.pad(x, ((0, 0), (1, 2), (2, 1)), mode=m, **k), [A], pad_width=[[0, 0], [1, 2], [2, 1]], mode=mode, constant_values=0.5)
add("one_hot", lambda x: o.one_hot(o.cast(x, "int32"), 4), [(2, 3)], kind="places", num_classes=4)
add("matmul", o.matmul, [(2, 3, 4), (2, 4, 5)], transpose_a=False, transpose_b=False)
add("matmul, turned", lambda a, b: tf.matmul(a, b, transpose_a=True, transpose_b=True), [(2, 4, 3), (2, 5, 4)], transpose_a=True, transpose_b=True)
add("matmul, a matrix for all", lambda a: o.matmul(a, np.arange(8, dtype="float32").reshape(4, 2)), [A], [{"tensor": 0}, {"value": np.arange(8).reshape(4, 2).tolist()}], transpose_a=False, transpose_b=False)
add("matmul, broadcast", o.matmul, [(2, 1, 3, 4), (2, 5, 4, 2)], transpose_a=False, transpose_b=False)
add("matmul, a vector", lambda a: o.matmul(a, np.array([1, 2, 3, 4], "float32")), [A], [{"tensor": 0}, {"value": [1, 2, 3, 4]}], transpose_a=False, transpose_b=False)
add("einsum", lambda a, b: o.einsum("bij,bkj->bik", a, b), [(2, 3, 4), (2, 5, 4)], subscripts="bij,bkj->bik")
add("einsum, capital letters", lambda a, b: o.einsum("bIj,bkj->bkI", a, b), [(2, 3, 4), (2, 5, 4)], subscripts="bIj,bkj->bkI")
for mode in ("bilinear", "nearest"):
    add(f"resize, {mode}", lambda x, m=mode: tf.cast(tf.image.resize(x, (7, 4), method=m), "float32"), [M], size=[7, 4], interpolation=mode)
add("depth_to_space", lambda x: tf.nn.depth_to_space(x, 2), [(2, 2, 3, 8)], block_size=2)
add("space_to_depth", lambda x: tf.nn.space_to_depth(x, 2), [M], block_size=2)


def computed(case):
    name, operation, compute, shapes, operands, kind, options = case
    rng = np.random.RandomState(zlib.crc32(name.encode()) & 0x7FFFFFFF)
    inputs = [made(kind, rng, shape) for shape in shapes]
    tensors = [tf.constant(x) for x in inputs]
    with tf.GradientTape() as tape:
        for tensor in tensors:
            tape.watch(tensor)
        outputs = tf.nest.flatten(compute(*tensors))
        upstream = rng.normal(0, 1, outputs[0].shape).astype("float32")
        loss = tf.reduce_sum(outputs[0] * upstream) if outputs[0].dtype == tf.float32 else None
    gradients = [None] if loss is None else tape.gradient(loss, tensors)
    config = {"operation": operation, "inputs": operands or [{"tensor": i} for i in range(len(shapes))], **options}
    result = {"config": config, "inputs": [flat(x) for x in inputs], "outputs": [flat(y) for y in outputs]}
    if all(g is not None for g in gradients):
        result["upstream"] = flat(upstream)
        result["inputGradients"] = [flat(tf.convert_to_tensor(g)) for g in gradients]
    return result


if __name__ == "__main__":
    os.makedirs(FOLDER, exist_ok=True)
    goldens = {}
    for case in CASES:
        try:
            goldens[case[0]] = computed(case)
        except Exception as error:  # noqa: BLE001: the list goes on
            print("FAILED", case[0], type(error).__name__, str(error).splitlines()[0][:200])
    with open(os.path.join(FOLDER, "operations.json"), "w") as file:
        json.dump(goldens, file, separators=(",", ":"))
        file.write("\n")
    print(len(goldens), "of", len(CASES), "cases")
