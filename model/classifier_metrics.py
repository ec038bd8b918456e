"""Measure a classifier's probabilities (accuracy, calibration, likelihood), and fit their temperature. No I/O.

`probabilities` has the shape (photos, animals). `labels` has the shape (photos,): it contains the output index of the
animal on each photo.
"""

import numpy as np
from numpy.typing import NDArray

type Probabilities = NDArray[np.float32] | NDArray[np.float64]
type Labels = NDArray[np.intp]

ECE_BINS = 15
_MIN_PROBABILITY = 1e-38


def accuracy(probabilities: Probabilities, labels: Labels, top: int = 1) -> float:
    """Return the share of photos whose label is among the `top` most probable animals."""
    best = np.argsort(-probabilities, axis=1, kind="stable")[:, :top]
    return float((best == labels[:, np.newaxis]).any(axis=1).mean())


def negative_log_likelihood(probabilities: Probabilities, labels: Labels) -> float:
    """Return the mean over the photos of −ln(probability of the true animal), in nats."""
    true = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    return float(-np.log(true.clip(_MIN_PROBABILITY)).mean())


def calibration_error(probabilities: Probabilities, labels: Labels, *, equal_mass: bool = False) -> float:
    """Return the expected calibration error (Guo et al. 2017): the mean gap between confidence and accuracy by bin.

    All 15 bins have the same width or, with `equal_mass`, the same number of photos, which is better for few photos.
    """
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    if equal_mass:
        bins = np.argsort(np.argsort(confidence, kind="stable"), kind="stable") * ECE_BINS // len(confidence)
    else:
        bins = np.minimum((confidence * ECE_BINS).astype(np.intp), ECE_BINS - 1)
    gaps = np.bincount(bins, confidence - right, minlength=ECE_BINS)
    return float(np.abs(gaps).sum() / len(confidence))


def calibration_errors(probabilities: Probabilities, labels: Labels) -> tuple[str, str]:
    """Return the calibration error for bins of equal width and of equal mass, with three decimals."""
    width = calibration_error(probabilities, labels)
    return f"{width:.3f}", f"{calibration_error(probabilities, labels, equal_mass=True):.3f}"


def apply_temperature(probabilities: Probabilities, temperature: float) -> NDArray[np.float64]:
    """Return the probabilities with their logits divided by `temperature`.

    A temperature above 1 makes them more even, and one below 1 makes them more extreme.
    """
    logits = np.log(probabilities.astype(np.float64).clip(_MIN_PROBABILITY)) / temperature
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def fit_temperature(probabilities: Probabilities, labels: Labels) -> float:
    """Return the temperature between 0.1 and 10 with the lowest negative log-likelihood."""
    low, high = 0.1, 10.0  # of 1/T, in which the likelihood is convex: a ternary search finds its only minimum
    while high - low > 1e-6:
        left, right = low + (high - low) / 3, high - (high - low) / 3
        at_left, at_right = (
            negative_log_likelihood(apply_temperature(probabilities, 1 / x), labels) for x in (left, right)
        )
        low, high = (low, right) if at_left < at_right else (left, high)
    return 2 / (low + high)
