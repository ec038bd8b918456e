"""Fit a head to features: a linear classifier, its calibration, and how far away what it has never seen is. Pure."""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cli.errors import CommandError
from cli.training.evaluation import Point

type Floats = NDArray[np.float64]
type Numbers = NDArray[np.intp]

STRANGER = -1
"""Number of the taxon of a photo that shows none of the head's."""
FOLDS = 5
SEED = 0
SHRINKAGE = 0.6
"""Share of the covariance that is the same in all directions. Of 0.4, 0.6 and 0.8 it was best on 86 cameras."""
SHARES = (0.25, 0.5, 0.75)
"""Shares of the cameras with which the learning curve is measured."""
SLIPS = 1
"""Wrong answers that are added to those that were seen, before a certainty counts as precise enough: what is chosen
as the best of many looks better than it is."""
FAR_AWAY = 1000.0
"""Where a taxon is that a fold has no samples of."""
FARTHEST = 0.98
"""Share of known photos that are nearer than what is as likely another taxon."""
TEMPERATURES = np.geomspace(0.2, 50, 300)
INSTALL = "training needs scikit-learn, which is not installed; `pip install 'faunalens[train]'` installs it"


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """Boxes of photos, with N rows each. `features`: shape (N, F). `taxon`: its number, or `STRANGER`.

    `camera`: its number. `is_main`: whether it is the box by which its photo is judged, one for each photo.
    """

    features: NDArray[np.float32]
    taxon: Numbers
    camera: Numbers
    is_main: NDArray[np.bool_]

    def where(self, mask: NDArray[np.bool_]) -> "Samples":
        """Return some of the rows."""
        return Samples(*(getattr(self, name)[mask] for name in self.__slots__))


@dataclass(frozen=True, slots=True, eq=False)
class Head:
    """A head of K taxa. `centre`, `scale`: shape (F,), mean and standard deviation of the features in training.

    `weights`: shape (K, F); `bias`: shape (K,). `temperature`: divides the logits. `means`: shape (K, F), of the taxa
    in scaled features. `far`: a photo is of another taxon with probability sigmoid(far[0] · (distance − far[1])), with
    the distance, squared and divided by F, to the nearest mean.
    """

    centre: NDArray[np.float32]
    scale: NDArray[np.float32]
    weights: NDArray[np.float32]
    bias: NDArray[np.float32]
    means: NDArray[np.float32]
    temperature: float = 1.0
    far: tuple[float, float] = (0.0, 0.0)

    def logits(self, features: NDArray[np.float32]) -> Floats:
        """Return logits of shape (N, K)."""
        return np.asarray(self._scaled(features) @ self.weights.T + self.bias, np.float64)

    def distances(self, features: NDArray[np.float32]) -> Floats:
        """Return how far photos are from each taxon, shape (N, K)."""
        scaled = self._scaled(features)
        squares = (scaled**2).sum(axis=1)[:, np.newaxis] - 2 * scaled @ self.means.T + (self.means**2).sum(axis=1)
        return np.asarray(squares / scaled.shape[1], np.float64)

    def _scaled(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray((features - self.centre) / self.scale, np.float32)


def probabilities(logits: Floats, distances: Floats, temperature: float, far: tuple[float, float]) -> Floats:
    """Return the probabilities of the taxa and, last, of another one: shape (N, K + 1)."""
    slope, middle = far
    other = (1 + np.tanh(slope * (distances - middle) / 2))[:, np.newaxis] / 2  # the sigmoid, which cannot overflow
    return np.concatenate([shares_of(logits, temperature) * (1 - other), other], axis=1)


def shares_of(logits: Floats, temperature: float) -> Floats:
    """Return the probabilities of the taxa alone, shape (N, K)."""
    scaled = logits / temperature
    shares = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return np.asarray(shares / shares.sum(axis=1, keepdims=True))


def fit_linear(samples: Samples, taxa: int) -> Head:
    """Fit the linear classifier to known taxa: linear discriminant analysis with a shrunk covariance.

    It has a closed form, so that the same labels give the same head. scikit-learn's own takes twenty times as long. A
    taxon without samples, as in a fold without its cameras, gets a logit that is never the largest.
    """
    try:
        from sklearn.covariance import shrunk_covariance
    except ImportError as error:
        raise CommandError(INSTALL) from error
    known = samples.where(samples.taxon != STRANGER)
    centre, scale = known.features.mean(axis=0), known.features.std(axis=0) + np.float32(1e-6)
    scaled = (known.features - centre) / scale
    present, at, number = np.unique(known.taxon, return_inverse=True, return_counts=True)
    means = np.stack([scaled[at == each].mean(axis=0) for each in range(len(present))])
    within = scaled - means[at]
    covariance = shrunk_covariance(within.T @ within / len(within), shrinkage=SHRINKAGE)
    weights = np.linalg.solve(covariance, means.T).T
    bias = np.log(number / number.sum()) - (weights * means).sum(axis=1) / 2
    size = scaled.shape[1]
    head = Head(
        centre,
        scale,
        np.zeros((taxa, size), np.float32),
        np.full(taxa, -FAR_AWAY, np.float32),
        np.full((taxa, size), FAR_AWAY, np.float32),
    )
    head.weights[present], head.bias[present], head.means[present] = weights, bias, means
    return head


@dataclass(frozen=True, slots=True, eq=False)
class Unseen:
    """What heads say of each sample that have not seen its camera: logits and distances, shape (N, K)."""

    logits: Floats
    distances: Floats

    @property
    def nearest(self) -> Floats:
        """Return the distance to the nearest taxon, shape (N,)."""
        return np.asarray(self.distances.min(axis=1))


def folds_of(samples: Samples) -> Numbers:
    """Return the fold of each sample. All samples of a camera are in one fold, as frames share their background."""
    try:
        from sklearn.model_selection import StratifiedGroupKFold
    except ImportError as error:
        raise CommandError(INSTALL) from error
    known = samples.where(samples.taxon != STRANGER)
    number = min(FOLDS, len(np.unique(known.camera)))
    of_camera = np.arange(samples.camera.max() + 1) % number  # of those that have strangers alone
    cut = StratifiedGroupKFold(number, shuffle=True, random_state=SEED)
    for fold, (_, inside) in enumerate(cut.split(known.features, known.taxon, known.camera)):
        of_camera[known.camera[inside]] = fold
    return of_camera[samples.camera]


def cross_validate(samples: Samples, taxa: int, folds: Numbers, share: float = 1.0) -> Unseen:
    """Return what heads say of each fold that were trained on the others. `share`: of the cameras of these."""
    logits, distances = (np.zeros((len(samples.taxon), taxa)) for _ in range(2))
    order = np.random.default_rng(SEED).permutation(samples.camera.max() + 1)
    for fold in range(folds.max() + 1):
        inside = folds == fold
        cameras = [camera for camera in order if camera in set(samples.camera[~inside])]
        used = np.isin(samples.camera, cameras[: max(round(len(cameras) * share), 1)])
        head = fit_linear(samples.where(used & ~inside), taxa)
        logits[inside], distances[inside] = (
            head.logits(samples.features[inside]),
            head.distances(samples.features[inside]),
        )
    return Unseen(logits, distances)


def learning_curve(samples: Samples, unseen: Unseen, folds: Numbers) -> list[Point]:
    """Return how right heads are that were trained on shares of the cameras. `unseen`: by those trained on all."""
    main, taxa = samples.is_main & (samples.taxon != STRANGER), unseen.logits.shape[1]
    part = folds.max() / (folds.max() + 1)  # of the photos is trained on, the rest is the fold
    points = []
    for share in (*SHARES, 1.0):
        found = unseen if share == 1 else cross_validate(samples, taxa, folds, share)
        right = (found.logits.argmax(axis=1) == samples.taxon)[main]
        numbers = main.sum(), len(np.unique(samples.camera[main]))
        photos, cameras = (round(number * share * part) for number in numbers)
        points.append(Point(photos, cameras, float(right.mean())))
    return points


def temperature_of(logits: Floats, taxon: Numbers) -> float:
    """Return the temperature under which the logits of known taxa are the likeliest (Guo et al. 2017)."""
    at = np.arange(len(logits)), taxon
    losses = [-np.log(shares_of(logits, each)[at] + 1e-12).mean() for each in TEMPERATURES]
    return float(TEMPERATURES[int(np.argmin(losses))])


def far_of(distances: Floats) -> tuple[float, float]:
    """Return slope and middle of the probability that a photo shows another taxon.

    `distances`: of photos that show a taxon of the head, to the nearest. In the middle, `FARTHEST`, it is as likely
    another one; at their median, one in a hundred.
    """
    median, farthest = np.quantile(distances, (0.5, FARTHEST))
    return float(np.log(99) / max(farthest - median, 1e-6)), float(farthest)


def threshold_of(certainties: Floats, is_right: NDArray[np.bool_], precision: float) -> float:
    """Return the least certainty from which enough answers are right; 1 if they never are.

    >>> threshold_of(np.array([0.9, 0.8, 0.7]), np.array([True, True, False]), 0.6)
    0.8
    """
    order = np.argsort(-certainties, kind="stable")
    right = np.cumsum(is_right[order]) / (np.arange(len(order)) + 1 + SLIPS)
    ranked = certainties[order]
    is_last = np.append(ranked[:-1] > ranked[1:], True)[: len(ranked)]  # of those that are as certain
    enough = ranked[(right >= precision) & is_last]
    return float(enough[-1]) if enough.size else 1.0


class Fitted(NamedTuple):
    """A head of all samples. `said`: shape (N, K + 1), by heads that have not seen the camera. `thresholds`: by taxon.

    `curve`: from few photos to many.
    """

    head: Head
    said: Floats
    thresholds: list[float]
    curve: list[Point]


def fit(samples: Samples, taxa: int, precision: float) -> Fitted:
    """Fit a head. Where its calibration and its figures come from, it has not seen the photo's camera."""
    folds = folds_of(samples)
    unseen = cross_validate(samples, taxa, folds)
    is_known = samples.taxon != STRANGER
    temperature = temperature_of(unseen.logits[is_known], samples.taxon[is_known])
    far = far_of(unseen.nearest[is_known & samples.is_main])
    said = probabilities(unseen.logits, unseen.nearest, temperature, far)
    guess, main = said.argmax(axis=1), samples.is_main
    thresholds = [
        threshold_of(said[mine, taxon], samples.taxon[mine] == taxon, precision)
        for taxon in range(taxa)
        for mine in [main & (guess == taxon)]
    ]
    head = replace(fit_linear(samples, taxa), temperature=temperature, far=far)
    return Fitted(head, said, thresholds, learning_curve(samples, unseen, folds))
