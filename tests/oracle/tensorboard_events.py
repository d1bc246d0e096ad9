"""Reads a log folder with TensorBoard's own code, and prints what it found as JSON; or makes the golden of one record.

    python tests/oracle/tensorboard_events.py FOLDER
    python tests/oracle/tensorboard_events.py > tests/tensorboard/golden.json
"""
import base64
import json
import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
from tensorboard.backend.event_processing import plugin_event_multiplexer
from tensorboard.util import tensor_util


def read(folder):
    multiplexer = plugin_event_multiplexer.EventMultiplexer()
    multiplexer.AddRunsFromDirectory(folder)
    multiplexer.Reload()
    found = {}
    for run in sorted(multiplexer.Runs()):
        plugins = {}
        for plugin in ("scalars", "histograms", "images", "text"):
            tags = multiplexer.PluginRunToTagToContent(plugin).get(run, {})
            plugins[plugin] = {}
            for tag in sorted(tags):
                events = multiplexer.Tensors(run, tag)
                values = []
                for event in events:
                    array = tensor_util.make_ndarray(event.tensor_proto)
                    if plugin == "scalars":
                        values.append([event.step, float(array)])
                    elif plugin == "histograms":
                        values.append([event.step, list(array.shape), float(array[:, 2].sum())])
                    elif plugin == "images":
                        values.append([event.step, array[0].decode(), array[1].decode(), len(array[2])])
                    else:
                        values.append([event.step, array[0].decode()[:80]])
                plugins[plugin][tag] = values
        found[run] = plugins
    return found


def golden():
    """One record of each kind as TensorFlow's own code serialises it."""
    from tensorflow.core.framework import summary_pb2
    from tensorflow.core.util import event_pb2
    from tensorflow.python.lib.io import tf_record
    import tempfile
    import tensorflow as tf

    events = {}
    version = event_pb2.Event(wall_time=1234.5, file_version="brain.Event:2")
    events["version"] = version
    scalar = event_pb2.Event(wall_time=1234.5, step=300)
    scalar.summary.value.add(tag="epoch_loss", simple_value=0.25)
    scalar.summary.value.add(tag="epoch_accuracy", simple_value=0.75)
    events["scalars"] = scalar
    histogram = event_pb2.Event(wall_time=1234.5, step=2)
    value = histogram.summary.value.add(tag="kernel")
    value.histo.min, value.histo.max, value.histo.num = -1, 1, 3
    value.histo.sum, value.histo.sum_squares = 0.5, 2.25
    value.histo.bucket_limit.extend([0, 1])
    value.histo.bucket.extend([1, 2])
    events["histogram"] = histogram
    image = event_pb2.Event(wall_time=1234.5, step=1)
    value = image.summary.value.add(tag="picture")
    value.image.height, value.image.width, value.image.colorspace = 2, 3, 3
    value.image.encoded_image_string = b"\x89PNG"
    events["image"] = image
    text = event_pb2.Event(wall_time=1234.5, step=1)
    value = text.summary.value.add(tag="text")
    value.tensor.CopyFrom(tf.make_tensor_proto([b"Gr\xc3\xbc\xc3\x9fe"]))
    value.metadata.plugin_data.plugin_name = "text"
    value.metadata.data_class = summary_pb2.DATA_CLASS_TENSOR
    events["text"] = text
    out = {}
    for name, event in events.items():
        with tempfile.NamedTemporaryFile() as file:
            with tf_record.TFRecordWriter(file.name) as writer:
                writer.write(event.SerializeToString(deterministic=True))
            out[name] = base64.b64encode(open(file.name, "rb").read()).decode()
    values = [-1.0, -0.5, 0.0, 0.25, 0.25, 3.0]
    out["histogramValues"] = values
    with tempfile.TemporaryDirectory() as folder:
        with tf.summary.create_file_writer(folder).as_default():
            tf.summary.histogram("h", values, step=0, buckets=30)
        for file in os.listdir(folder):
            for record in tf.data.TFRecordDataset(os.path.join(folder, file)):
                event = event_pb2.Event.FromString(record.numpy())
                for value in event.summary.value:
                    out["histogramBuckets"] = tf.make_ndarray(value.tensor).tolist()
    return out


print(json.dumps(read(sys.argv[1]) if len(sys.argv) > 1 else golden(), ensure_ascii=False))
