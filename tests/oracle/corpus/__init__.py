"""The models of the converter's corpus."""

from corpus import applications, augmentation, attention_and_preprocessing, classics, convolutions, core, graphs, operations, pooling_and_normalization, recurrent, shapes_and_merging  # noqa: F401: each registers its models
from corpus.registry import MODELS, keras2, keras3  # noqa: F401
