"""One peer of the benchmark: reads commands as JSON lines, answers with JSON lines.

    python peer.py keras | pytorch

`{"do": "load", "network": NAME, "size": S, "gain": G}` builds the network; Keras's with the weights of
tests/oracle/zoo_weights.py. `{"do": "export", "path": FILE}` writes Keras's network with tf2onnx, for the raw ONNX Runtime.
`{"do": "time", "batch": B, "seconds": S, "runs": N}` answers with the milliseconds of each run, at least two of them.

Packages: tensorflow-cpu==2.18.* keras==3.* tf2onnx (export only), or torch torchvision timm.
"""

import json
import os
import sys
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests" / "oracle"))
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


class Keras:
    names = {
        "resnet50": "ResNet50",
        "vgg16": "VGG16",
        "inceptionv3": "InceptionV3",
        "xception": "Xception",
        "mobilenetv2": "MobileNetV2",
        "efficientnetb0": "EfficientNetB0",
    }

    def __init__(self):
        import keras
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(CORES)
        tf.config.threading.set_inter_op_parallelism_threads(1)
        self.tf, self.keras = tf, keras
        self.version = f"Keras {keras.__version__} on TensorFlow {tf.__version__}"

    def load(self, network, size, gain):
        from zoo_weights import fill

        if network not in self.names:
            raise KeyError(f"{network} is not in Keras Applications")
        self.keras.backend.clear_session()
        self.model = getattr(self.keras.applications, self.names[network])(weights=None)
        fill(self.model, gain)
        self.size = size
        self.function = self.tf.function(lambda x: self.model(x, training=False), reduce_retracing=True)

    def export(self, path):
        import tf2onnx

        from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

        spec = self.tf.TensorSpec([None, self.size, self.size, 3], self.tf.float32, name="picture")
        concrete = self.tf.function(lambda picture: self.model(picture, training=False)).get_concrete_function(spec)
        frozen = convert_variables_to_constants_v2(concrete)
        tf2onnx.convert.from_graph_def(
            frozen.graph.as_graph_def(),
            input_names=[frozen.inputs[0].name],
            output_names=[output.name for output in frozen.outputs],
            opset=17,
            output_path=path,
        )

    def run(self, batch):
        self.function(self.tf.constant(batch)).numpy()


class PyTorch:
    names = {
        "resnet50": "resnet50",
        "vgg16": "vgg16",
        "inceptionv3": "inception_v3",
        "squeezenet": "squeezenet1_1",
        "mobilenetv2": "mobilenet_v2",
        "efficientnetb0": "efficientnet_b0",
    }
    timm_names = {"xception": "legacy_xception", "efficientnet-lite0": "tf_efficientnet_lite0"}

    def __init__(self):
        import torch

        torch.set_num_threads(CORES)
        torch.set_flush_denormal(True)
        self.torch = torch
        self.version = f"PyTorch {torch.__version__}"

    def load(self, network, size, gain):
        import torchvision

        if network in self.names:
            self.model = getattr(torchvision.models, self.names[network])(weights=None)
        else:
            import timm

            self.model = timm.create_model(self.timm_names[network], pretrained=False)
        self.model.eval()
        self.size = size

    def run(self, batch):
        with self.torch.inference_mode():
            x = self.torch.from_numpy(batch).permute(0, 3, 1, 2).contiguous()
            self.model(x).numpy()


def main():
    import numpy as np

    output = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    try:
        peer = {"keras": Keras, "pytorch": PyTorch}[sys.argv[1]]()
        print(json.dumps({"version": peer.version}), file=output, flush=True)
    except ImportError as error:
        print(json.dumps({"missing": str(error)}), file=output, flush=True)
        return
    for line in sys.stdin:
        command = json.loads(line)
        try:
            if command["do"] == "load":
                peer.load(command["network"], command["size"], command["gain"])
                answer = {}
            elif command["do"] == "export":
                peer.export(command["path"])
                answer = {}
            else:
                rng = np.random.default_rng(1)
                batch = rng.random((command["batch"], peer.size, peer.size, 3), dtype=np.float32) * 2 - 1
                peer.run(batch)
                times, started = [], time.perf_counter()
                while len(times) < 2 or (
                    len(times) < command["runs"] and time.perf_counter() - started < command["seconds"]
                ):
                    start = time.perf_counter()
                    peer.run(batch)
                    times.append(1000 * (time.perf_counter() - start))
                answer = {"ms": times}
        except Exception as error:  # The benchmark says why and goes on.
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), file=output, flush=True)


main()
