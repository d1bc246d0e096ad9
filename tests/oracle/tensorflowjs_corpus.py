"""Converts every file of the converter's corpus with tensorflowjs_converter, for tools/compare-converters.

    python tests/oracle/tensorflowjs_corpus.py FOLDER

FOLDER/NAME.keras2.h5/ and so on get what it writes; FOLDER/failures.json says why nothing came of the others. The versions
of its packages that work together: tensorflowjs==4.22.0 tensorflow==2.18.0 tf_keras==2.18.0 jax==0.4.34 jaxlib==0.4.34
ydf==0.11.0 tensorflow_decision_forests==1.11.0, with setuptools below 81.
"""

import gzip
import json
import os
import pathlib
import shutil
import sys
import tempfile

os.environ["TF_USE_LEGACY_KERAS"] = "1"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
from tensorflowjs.converters import converter  # noqa: E402

CORPUS = pathlib.Path(__file__).parents[1] / "converters" / "corpus"


def main(folder):
    out = pathlib.Path(folder)
    out.mkdir(parents=True, exist_ok=True)
    failures = {}
    with tempfile.TemporaryDirectory() as temporary:
        for packed in sorted(CORPUS.glob("*.gz")):
            name = packed.name.removesuffix(".gz")
            source = pathlib.Path(temporary) / name
            source.write_bytes(gzip.decompress(packed.read_bytes()))
            kind = "keras_keras" if name.endswith(".keras") else "keras"
            target = out / name
            shutil.rmtree(target, ignore_errors=True)
            try:
                converter.convert(
                    ["--input_format", kind, "--output_format", "tfjs_layers_model", str(source), str(target)]
                )
            except BaseException as error:
                failures[name] = f"{type(error).__name__}: {error}"[:300]
                shutil.rmtree(target, ignore_errors=True)
    (out / "failures.json").write_text(json.dumps(failures, indent=1))
    print(f"{len(failures)} of {len(list(CORPUS.glob('*.gz')))} failed")


main(sys.argv[1])
