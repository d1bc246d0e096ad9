"""Networks of Keras Applications, small enough for a golden: what people convert first."""

from corpus.registry import model


@model(versions="3", coarse=True)
def mobilenet_v2(k, L):
    return k.applications.MobileNetV2((32, 32, 3), alpha=0.35, include_top=False, weights=None, pooling="avg")


@model(versions="3", coarse=True)
def mobilenet_v3(k, L):
    return k.applications.MobileNetV3Small((32, 32, 3), alpha=0.35, include_top=False, weights=None, pooling="avg")
