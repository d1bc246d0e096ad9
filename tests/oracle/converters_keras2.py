"""Small seeded Keras 2 models as .h5, with inputs and the outputs that Keras gives.

Needs: tensorflow 2.18, tf_keras 2.18, h5py 3, numpy 1.26 to 2.0.
Run from the repository root: python tests/oracle/converters_keras2.py
Writes tests/converters/goldens/keras2_*.h5.gz and keras2_goldens.json.
"""

import gzip
import json
import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import h5py
import numpy as np
import tf_keras as keras
from tf_keras import layers as L

FOLDER = os.path.join(os.path.dirname(__file__), "..", "converters", "goldens")
RNG = np.random.RandomState(7)
GOLDENS = {}


def randomize(model):
    """Weights of a size that lets every layer matter; variances stay positive."""
    for weight in model.weights:
        values = RNG.normal(0, 0.3, weight.shape).astype("float32")
        if "variance" in weight.name:
            values = np.abs(values) + 0.5
        weight.assign(values)


def flat(value):
    array = np.asarray(value, "float32")
    return {"shape": list(array.shape), "data": [float(f"{x:.8g}") for x in array.ravel()]}


def save(name, model, weights_only=False, **kwargs):
    randomize(model)
    inputs = [RNG.uniform(-1, 1, [2 if d is None else d for d in i.shape]).astype("float32") for i in model.inputs]
    for i, tensor in enumerate(model.inputs):
        if "indices" in tensor.name:
            inputs[i] = RNG.randint(0, 6, inputs[i].shape).astype("float32")
    outputs = model.predict(inputs if len(inputs) > 1 else inputs[0], verbose=0)
    outputs = outputs if isinstance(outputs, list) else [outputs]
    path = os.path.join(FOLDER, f"keras2_{name}.h5")
    if weights_only:
        model.save_weights(path)
    else:
        model.save(path, save_format="h5", **kwargs)
    GOLDENS[name] = {
        "inputs": [flat(x) for x in inputs],
        "outputs": [flat(y) for y in outputs],
        "parameters": int(model.count_params()),
    }
    if weights_only:
        GOLDENS[name]["config"] = json.loads(model.to_json())
    return path


def convolutions():
    x = i = L.Input((9, 9, 3), name="image")
    x = L.ZeroPadding2D(((1, 0), (0, 1)), name="pad")(x)
    x = L.Conv2D(4, 3, strides=2, padding="same", name="block/conv", kernel_regularizer="l2")(x)
    x = L.BatchNormalization(name="block/bn", epsilon=1e-3)(x)
    x = L.Activation("relu", name="block/relu")(x)
    x = L.DepthwiseConv2D(3, padding="same", use_bias=False, name="depthwise")(x)
    x = L.BatchNormalization(scale=False, name="no_scale")(x)
    x = L.ReLU(6.0)(x)
    x = L.SeparableConv2D(5, 3, padding="same", name="separable", depthwise_regularizer=keras.regularizers.l1_l2(1e-4, 1e-4))(x)
    x = L.SpatialDropout2D(0.2)(x)
    x = L.LeakyReLU(0.2)(x)
    x = L.GlobalAveragePooling2D()(x)
    x = L.Dropout(0.5)(x)
    x = L.Dense(3, activation="softmax", kernel_initializer="he_normal", kernel_constraint=keras.constraints.MaxNorm(3.0))(x)
    model = keras.Model(i, x, name="convolutions")
    model.compile("adam", "categorical_crossentropy")
    model.fit(np.zeros((2, 9, 9, 3)), np.eye(3)[:2], verbose=0)
    save("convolutions", model)


def branches():
    i = L.Input((8, 8, 2))
    a = L.Conv2D(3, 1, activation="relu", name="left")(i)
    b = L.Conv2D(3, (3, 1), padding="same", dilation_rate=(2, 1), name="right")(i)
    s = L.Add()([a, b])
    m = L.Multiply()([a, b])
    c = L.Concatenate(axis=-1)([s, m, L.Maximum()([a, b]), L.Average()([a, b])])
    p = L.MaxPooling2D(3, 2, padding="same")(c)
    q = L.AveragePooling2D(3, 2, padding="same")(c)
    x = L.Concatenate()([p, q])
    x = L.Cropping2D(((1, 0), (0, 1)))(x)
    x = L.UpSampling2D(2)(x)
    x = L.Conv2DTranspose(2, 3, strides=2, padding="same")(x)
    x = L.PReLU(shared_axes=[1, 2])(x)
    x = L.Flatten()(x)
    x = L.Dense(4, activation="tanh", bias_constraint=keras.constraints.NonNeg())(x)
    x = L.Reshape((2, 2))(x)
    x = L.Permute((2, 1))(x)
    save("branches", keras.Model(i, x))


def shared():
    a = L.Input((4,), name="a")
    b = L.Input((4,), name="b")
    dense = L.Dense(3, activation="relu", name="shared_dense")
    inner = keras.Sequential([L.Dense(3, input_shape=(3,), name="dense"), L.BatchNormalization(name="bn"), L.Dense(2, name="out")], name="inner")
    k = L.Input((2,))
    twin = keras.Model(k, [L.Dense(2, name="dense")(k), L.LayerNormalization(name="norm")(k)], name="twin")
    x, y = inner(dense(a)), inner(dense(b))
    u, v = twin(x)
    total = L.Concatenate(name="total")([x, y, u, v])
    save("shared", keras.Model([a, b], [total, L.Dense(1, activation="sigmoid", name="score")(y)], name="shared"))


def frozen():
    inner = keras.Sequential([L.Conv2D(2, 3, input_shape=(6, 6, 1), name="c"), L.BatchNormalization(name="b"), L.Conv2D(2, 2, name="d")], name="base")
    inner.layers[0].trainable = False
    i = L.Input((6, 6, 1))
    x = L.GlobalMaxPooling2D()(inner(i, training=False))
    save("frozen", keras.Model(i, L.Dense(2)(x)))


def sequential():
    inner = keras.Sequential([L.Dense(3, activation="elu"), L.Dense(2)], name="late")
    model = keras.Sequential([L.Dense(4, input_shape=(5,), activation="selu"), inner, L.Softmax()], name="sequential")
    save("sequential", model)


def recurrent():
    i = L.Input((5,), name="indices")
    x = L.Embedding(6, 3, name="embedding")(i)
    x = L.Conv1D(4, 3, padding="same", activation="relu")(x)
    x = L.Bidirectional(L.LSTM(2, return_sequences=True), name="both")(x)
    x = L.TimeDistributed(L.Dense(3), name="each")(x)
    x = L.GRU(2, reset_after=False, return_sequences=True)(x)
    x = L.SimpleRNN(2)(x)
    save("recurrent", keras.Model(i, x))


def weights_only():
    model = keras.Sequential([L.Conv2D(2, 3, input_shape=(5, 5, 1), name="conv"), L.Flatten(name="flat"), L.Dense(3, name="a/b")], name="small")
    save("weights", model, weights_only=True)


def variants():
    """The weights-only file again, with the oddities that other writers leave in files."""
    source = os.path.join(FOLDER, "keras2_weights.h5")
    with h5py.File(source) as f, h5py.File(os.path.join(FOLDER, "keras2_variants.h5"), "w") as g:
        for key, value in f.attrs.items():
            g.attrs[key] = value
        g.attrs["layer_names"] = [n.decode() if isinstance(n, bytes) else n for n in f.attrs["layer_names"]]
        g.attrs["backend"] = np.bytes_("tensorflow")
        kinds = iter([("<f2", {}), ("<f8", {}), (">f4", {}), ("<f4", dict(chunks=(3, 3), compression="gzip", shuffle=True, fletcher32=True))])
        def copy(name, item):
            if isinstance(item, h5py.Group):
                group = g.require_group(name)
                for key, value in item.attrs.items():
                    if len(value):
                        group.attrs[key] = value
                return
            data = item[()]
            dtype, options = ("<f4", dict(chunks=(3, 3), compression="gzip", shuffle=True, fletcher32=True)) if data.shape == (18, 3) else next(kinds)
            g.create_dataset(name, data=data.astype(dtype), **options)
        f.visititems(copy)


def chunked_attributes():
    """As Keras splits an attribute of more than 64512 bytes; with few layers, the pieces are small."""
    source = os.path.join(FOLDER, "keras2_weights.h5")
    with h5py.File(source) as f, h5py.File(os.path.join(FOLDER, "keras2_chunked.h5"), "w") as g:
        for key in f:
            f.copy(key, g)
        names = list(f.attrs["layer_names"])
        g.attrs["layer_names0"], g.attrs["layer_names1"] = names[:2], names[2:]
        group = g["conv"]
        weights = list(group.attrs["weight_names"])
        del group.attrs["weight_names"]
        group.attrs["weight_names0"], group.attrs["weight_names1"] = weights[:1], weights[1:]


def many_layers():
    """More than 64512 bytes of layer names, split by Keras itself."""
    from tf_keras.src.saving.legacy import hdf5_format

    path = os.path.join(FOLDER, "keras2_many.h5")
    names = [f"layer_{n:03d}_" + "x" * 100 for n in range(700)]
    with h5py.File(path, "w", libver="latest") as f:
        hdf5_format.save_attributes_to_hdf5_group(f, "layer_names", [n.encode() for n in names])
        f.attrs["backend"] = b"tensorflow"
        f.attrs["keras_version"] = b"2.18.0"
        for name in names:
            f.create_group(name)
        last = f[names[-1]]
        last.attrs["weight_names"] = [b"w:0"]
        last.create_dataset("w:0", data=np.arange(3, dtype="float32"))


def lambda_and_custom():
    class Scale(L.Layer):
        def call(self, x):
            return x * 2

        def get_config(self):
            return super().get_config()

    i = L.Input((3,))
    x = L.Lambda(lambda t: t + 1, name="sneaky")(i)
    x = Scale(name="doubled")(x)
    x = L.Subtract(name="minus")([x, i])
    save("custom", keras.Model(i, x))


def unsafe_links():
    for name, link in (("external", h5py.ExternalLink("elsewhere.h5", "/secret")), ("loop", h5py.SoftLink("/conv/kernel:0")), ("outside", h5py.SoftLink("/no/such/place"))):
        with h5py.File(os.path.join(FOLDER, f"keras2_link_{name}.h5"), "w") as f:
            f.attrs["layer_names"] = [b"conv"]
            group = f.create_group("conv")
            group.attrs["weight_names"] = [b"kernel:0"]
            group["kernel:0"] = link
    with h5py.File(os.path.join(FOLDER, "keras2_bomb.h5"), "w") as f:
        f.attrs["layer_names"] = [b"conv"]
        group = f.create_group("conv")
        group.attrs["weight_names"] = [b"kernel:0"]
        group.create_dataset("kernel:0", shape=(200000, 100000), dtype="f4", chunks=(1000, 1000), compression="gzip")
    with h5py.File(os.path.join(FOLDER, "keras2_other.h5"), "w") as f:
        f["measurements"] = np.arange(3)


def pack(prefix):
    """The goldens as .gz: most of a small HDF5 file is empty space."""
    for name in sorted(os.listdir(FOLDER)):
        if name.startswith(prefix) and name.endswith(".h5"):
            path = os.path.join(FOLDER, name)
            with open(path, "rb") as f, open(path + ".gz", "wb") as out:
                with gzip.GzipFile(fileobj=out, mode="wb", mtime=0, filename="") as packed:
                    packed.write(f.read())
            os.remove(path)


if __name__ == "__main__":
    os.makedirs(FOLDER, exist_ok=True)
    for make in (convolutions, branches, shared, frozen, sequential, recurrent, weights_only, variants, chunked_attributes, many_layers, lambda_and_custom, unsafe_links):
        make()
    with open(os.path.join(FOLDER, "keras2_goldens.json"), "w") as f:
        json.dump(GOLDENS, f)
    pack("keras2_")
