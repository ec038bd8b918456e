"""How good probabilities are: accuracy, calibration and likelihood. Arrays alone.

`probabilities` has shape (photos, animals), `labels` shape (photos,): the output index of what each photo shows.
"""

import numpy as np
from numpy.typing import NDArray

type Probabilities = NDArray[np.float32] | NDArray[np.float64]
type Labels = NDArray[np.intp]

ECE_BINS = 15
_LEAST = 1e-38


def accuracy(probabilities: Probabilities, labels: Labels, top: int = 1) -> float:
    """Share of photos whose label is among the `top` likeliest."""
    best = np.argsort(-probabilities, axis=1, kind="stable")[:, :top]
    return float((best == labels[:, np.newaxis]).any(axis=1).mean())


def negative_log_likelihood(probabilities: Probabilities, labels: Labels) -> float:
    """Mean of −ln of the probability that the true animal was given; nats a photo."""
    given = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    return float(-np.log(given.clip(_LEAST)).mean())


def calibration_error(probabilities: Probabilities, labels: Labels, *, equal_mass: bool = False) -> float:
    """Expected calibration error (Guo et al. 2017): how far confidence is from accuracy, weighted over 15 bins.

    Bins of equal width are the usual ones; with `equal_mass` each holds as many photos, which few photos upset less.
    """
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    if equal_mass:
        bins = np.argsort(np.argsort(confidence, kind="stable"), kind="stable") * ECE_BINS // len(confidence)
    else:
        bins = np.minimum((confidence * ECE_BINS).astype(np.intp), ECE_BINS - 1)
    gaps = np.bincount(bins, confidence - right, minlength=ECE_BINS)
    return float(np.abs(gaps).sum() / len(confidence))


def sharpen(probabilities: Probabilities, temperature: float) -> NDArray[np.float64]:
    """Probabilities whose logits are divided by `temperature`: above 1 flatter, below 1 sharper."""
    logits = np.log(probabilities.astype(np.float64).clip(_LEAST)) / temperature
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def fit_temperature(probabilities: Probabilities, labels: Labels) -> float:
    """The temperature of least negative log-likelihood, between 0.1 and 10.

    The likelihood is convex in 1/T, so halving the interval by thirds finds the one minimum.
    """
    low, high = 0.1, 10.0  # of 1/T
    while high - low > 1e-6:
        left, right = low + (high - low) / 3, high - (high - low) / 3
        at_left, at_right = (negative_log_likelihood(sharpen(probabilities, 1 / x), labels) for x in (left, right))
        low, high = (low, right) if at_left < at_right else (left, high)
    return 2 / (low + high)
