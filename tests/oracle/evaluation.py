"""Measures of classifiers by scikit-learn, on made-up predictions.

    python tests/oracle/evaluation.py > tests/evaluation/golden.json
"""
import json
import warnings

import numpy as np
from sklearn import metrics
from sklearn.calibration import calibration_curve
from sklearn.exceptions import UndefinedMetricWarning

warnings.filterwarnings("ignore", category=UndefinedMetricWarning)


def case(name, seed, count, classes, sharpness, missing=(), ties=False):
    random = np.random.default_rng(seed)
    allowed = [c for c in range(classes) if c not in missing]
    actual = random.choice(allowed, count)
    logits = random.normal(size=(count, classes))
    logits[np.arange(count), actual] += sharpness
    if ties:
        logits = np.round(logits)
    probabilities = np.exp(logits)
    probabilities /= probabilities.sum(1, keepdims=True)
    probabilities = probabilities.astype("float32")
    predicted = probabilities.argmax(1)
    labels = list(range(classes))
    precision, recall, f1, support = metrics.precision_recall_fscore_support(
        actual, predicted, labels=labels, zero_division=0
    )
    # Of equal probabilities the class of smaller index comes first, as for argmax; scikit-learn's own takes the larger.
    top2 = float(np.mean([a in np.argsort(-row, kind="stable")[:2] for row, a in zip(probabilities, actual)]))
    if not ties and classes > 2:
        assert np.isclose(top2, metrics.top_k_accuracy_score(actual, probabilities, k=2, labels=labels))
    normalized = probabilities.astype(float) / probabilities.astype(float).sum(1, keepdims=True)
    brier = metrics.brier_score_loss(actual, normalized, labels=labels, scale_by_half=False)
    right, confidence = actual == predicted, probabilities.max(1)
    accuracies, confidences = calibration_curve(right, confidence, n_bins=10, strategy="uniform")
    counts = np.bincount(np.searchsorted(np.linspace(0, 1, 11)[1:-1], confidence), minlength=10)
    errors = np.abs(accuracies - confidences)
    there = sorted(set(actual) | set(predicted))
    means = {}
    for average in ("macro", "weighted"):
        values = metrics.precision_recall_fscore_support(
            actual, predicted, labels=there, average=average, zero_division=0
        )[:3]
        means[average] = dict(zip(("precision", "recall", "f1"), map(float, values)))
    areas = [
        float(metrics.roc_auc_score(actual == c, probabilities[:, c])) if 0 < (actual == c).sum() < count else None
        for c in labels
    ]
    return {
        "name": name,
        "probabilities": [float(f"{p:.9g}") for p in probabilities.ravel()],
        "actual": actual.tolist(),
        "classes": classes,
        "accuracy": float(metrics.accuracy_score(actual, predicted)),
        "top2": top2,
        "confusion": metrics.confusion_matrix(actual, predicted, labels=labels).tolist(),
        "precision": precision.tolist(),
        "recall": recall.tolist(),
        "f1": f1.tolist(),
        "support": support.tolist(),
        "means": means,
        "balancedAccuracy": float(metrics.balanced_accuracy_score(actual, predicted)),
        "kappa": float(metrics.cohen_kappa_score(actual, predicted)),
        "mcc": float(metrics.matthews_corrcoef(actual, predicted)),
        "rocAuc": areas,
        "loss": float(metrics.log_loss(actual, normalized, labels=labels)),
        "brier": float(brier),
        "calibration": {
            "counts": counts.tolist(),
            "accuracies": accuracies.tolist(),
            "confidences": confidences.tolist(),
            "ece": float((errors * counts[counts > 0]).sum() / count),
            "mce": float(errors.max()),
        },
    }


cases = [
    case("three classes", 1, 60, 3, 1.5),
    case("two classes", 2, 40, 2, 1.0),
    case("a class without pictures", 3, 50, 4, 1.5, missing=(2,)),
    case("ties", 4, 50, 3, 1.0, ties=True),
    case("all right", 5, 20, 3, 50.0),
]
# Wilson's interval, by statsmodels' formula, worked out with scipy's quantile.
from scipy.stats import norm

z = norm.ppf(0.975)


def wilson(k, n):
    p = k / n
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return [float(centre - half), float(centre + half)]


print(json.dumps({"cases": cases, "wilson": [[k, n, *wilson(k, n)] for k, n in ((147, 153), (0, 10), (10, 10), (1, 3))]}))
