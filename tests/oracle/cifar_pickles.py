"""Batches of two CIFAR pictures as Python 3 pickles them, and as Python 2 did (one type for text and bytes).

Run: /opt/oracle/k2/bin/python tests/oracle/cifar_pickles.py
Value j of picture i is (131 * i + 7 * j + j // 1024) % 256; the tests compute it again.
"""

import gzip
import os
import pickle
import struct

import numpy as np

out = os.path.join(os.path.dirname(__file__), "..", "datasets", "goldens")
os.makedirs(out, exist_ok=True)
index, place = np.meshgrid(np.arange(2), np.arange(3072), indexing="ij")
data = ((131 * index + 7 * place + place // 1024) % 256).astype(np.uint8)


def write(name, content):
    with open(os.path.join(out, name), "wb") as file:
        file.write(gzip.compress(content, mtime=0))


for protocol in (2, 4):
    batch = {b"batch_label": b"testing batch 1 of 1", b"labels": [3, 9], b"data": data, b"filenames": [b"a.png", b"b.png"]}
    write(f"cifar10-protocol{protocol}.pkl.gz", pickle.dumps(batch, protocol=protocol))


def short(text):
    return b"U" + struct.pack("<B", len(text)) + text


def number(value):
    return b"K" + struct.pack("<B", value)


# What cPickle of Python 2 writes with protocol 2, the memo left out.
array = (
    b"cnumpy.core.multiarray\n_reconstruct\n"
    + b"cnumpy\nndarray\n" + number(0) + b"\x85" + short(b"b") + b"\x87R"
    + b"(" + number(1) + number(2) + b"M" + struct.pack("<H", 3072) + b"\x86"
    + b"cnumpy\ndtype\n" + short(b"u1") + number(0) + number(1) + b"\x87R"
    + b"(" + number(3) + short(b"|") + b"NNN" + b"J\xff\xff\xff\xff" * 2 + number(0) + b"tb"
    + b"\x89" + b"T" + struct.pack("<I", data.size) + data.tobytes() + b"tb"
)
content = (
    b"\x80\x02}(" + short(b"batch_label") + short(b"testing") + short(b"data") + array
    + short(b"fine_labels") + b"](" + number(99) + number(0) + b"e"
    + short(b"coarse_labels") + b"](" + number(13) + number(4) + b"e"
    + short(b"filenames") + b"](" + short(b"a.png") + short(b"b.png") + b"e" + b"u."
)
assert (pickle.loads(content, encoding="latin1")["data"] == data).all()
write("cifar100-python2.pkl.gz", content)
