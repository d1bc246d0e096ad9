"""What changes pictures in training only, by Keras 3."""

from corpus.registry import functional, model


@model("3", without=("keras3.h5",))  # Keras cannot store the value range there
def augmentation_keras3(k, L):
    x = h = L.Input((16, 16, 3))
    made = [
        lambda: L.AugMix((0, 1)),
        lambda: L.RandAugment((0, 1)),
        lambda: L.RandomColorDegeneration(0.3),
        lambda: L.RandomColorJitter((0, 1), 0.1, 0.1, 0.1, 0.1),
        lambda: L.RandomElasticTransform(),
        lambda: L.RandomErasing(),
        lambda: L.RandomGaussianBlur(),
        lambda: L.RandomGrayscale(),
        lambda: L.RandomHue(0.2, (0, 1)),
        lambda: L.RandomInvert(value_range=(0, 1)),
        lambda: L.RandomPerspective(),
        lambda: L.RandomPosterization(4, (0, 1)),
        lambda: L.RandomSaturation(0.3, (0, 1)),
        lambda: L.RandomSharpness(0.3, (0, 1)),
        lambda: L.RandomShear(0.2, 0.2),
    ]
    for each in made:
        h = each()(h)
    return functional(k, x, L.Conv2D(2, 3)(h))


@model("3", without=("keras3.h5",))
def mixing_keras3(k, L):
    # These two mix examples of a batch, and take labels beside the pictures.
    x = h = L.Input((8, 8, 3))
    h = L.CutMix()(h)
    h = L.MixUp()(h)
    return functional(k, x, L.Conv2D(2, 3)(h))
