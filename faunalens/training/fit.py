"""Fit a head to features: a linear classifier, its calibration, and a measure of animals new to it. No I/O."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from faunalens.errors import CommandError
from faunalens.training.evaluation import OTHER, About, Evaluation, Outcome, Point
from faunalens.training.features import Crop
from faunalens.training.labels import LabelledPhoto
from faunalens.words import count

type Floats = NDArray[np.float64]
type Numbers = NDArray[np.intp]

STRANGER = -1
"""Stands for the number of a taxon that is not one of the head's."""
FOLDS, SEED = 5, 0
SHRINKAGE = 0.7
"""Share of the covariance that is the same in all directions; on 86 cameras, 0.5 to 0.7 did equally well."""
FARTHEST = 0.98
"""Share of known photos nearer than the distance at which another taxon is as likely. With it, a name was given to 3 %
of other continents' animals, but to a third of the photos of six taxa of the same nights, each left out in turn."""
FAR_AWAY = 1000.0
"""Mean of each feature for a taxon without samples in a fold: so no photo is near it."""
SHARES = (0.25, 0.5, 0.75)
"""Shares of the cameras with which the learning curve is measured."""
SLIPS, PRIOR = 1, 100
"""The best of many thresholds looks better than it is. So each taxon's names count together with `PRIOR` further names,
which are right as often as all taxa's names with `SLIPS` wrong ones added. With this, 95 % of the names were right on
other cameras, as wanted."""
TEMPERATURES = np.geomspace(0.2, 50, 300)


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """N boxes in photos. `features`: shape (N, F).

    `taxon`, `camera`: their numbers, shape (N,); a taxon may be `STRANGER`. `is_main`: shape (N,), whether its photo is
    judged by this box; each photo has one such box.
    """

    features: NDArray[np.float32]
    taxon: Numbers
    camera: Numbers
    is_main: NDArray[np.bool_]

    def where(self, mask: NDArray[np.bool_]) -> "Samples":
        """Return the samples for which the mask, shape (N,), is true."""
        return Samples(self.features[mask], self.taxon[mask], self.camera[mask], self.is_main[mask])


class Scored(NamedTuple):
    """A head's scores of N boxes: logits, shape (N, K), and squared distances to the nearest taxon, shape (N,)."""

    logits: Floats
    distances: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Head:
    """A head of K taxa. `weights`: shape (K, F). `bias`: shape (K,). `temperature`: divides the logits.

    `means`: mean features of each taxon, shape (K, F). `far`: the probability that a photo shows another taxon is
    sigmoid(far[0] · (distance − far[1])), where distance is the squared distance to the nearest mean.
    """

    weights: NDArray[np.float32]
    bias: NDArray[np.float32]
    means: NDArray[np.float32]
    temperature: float = 1.0
    far: tuple[float, float] = (1.0, np.inf)

    def score(self, features: NDArray[np.float32]) -> Scored:
        """Return the head's scores of N boxes. `features`: shape (N, F)."""
        logits = features @ self.weights.T + self.bias
        squares = (features**2).sum(axis=1)[:, np.newaxis] - 2 * features @ self.means.T + (self.means**2).sum(axis=1)
        return Scored(logits.astype(np.float64), squares.min(axis=1).astype(np.float64))


def fit_linear(samples: Samples, taxa: int) -> Head:
    """Fit the linear classifier to known taxa: linear discriminant analysis with a shrunk covariance.

    The solution has a closed form, so the same labels give the same head. scikit-learn's takes twenty times as long. A
    taxon without samples, as in a fold without its cameras, gets a logit that is never the largest.
    """
    from sklearn.covariance import shrunk_covariance

    known = samples.where(samples.taxon != STRANGER)
    present, at, number = np.unique(known.taxon, return_inverse=True, return_counts=True)
    means = np.stack([known.features[at == each].mean(axis=0) for each in range(len(present))])
    within = known.features - means[at]
    covariance = shrunk_covariance(within.T @ within / len(within), shrinkage=SHRINKAGE)
    weights = np.linalg.solve(covariance, means.T).T
    size = known.features.shape[1]
    head = Head(
        np.zeros((taxa, size), np.float32), np.full(taxa, -1e9, np.float32), np.full((taxa, size), FAR_AWAY, np.float32)
    )
    head.weights[present], head.means[present] = weights, means
    head.bias[present] = np.log(number / number.sum()) - (weights * means).sum(axis=1) / 2
    return head


def folds_of(samples: Samples) -> Numbers:
    """Return the fold of each sample. All samples of a camera are in one fold, as frames share their background."""
    from sklearn.model_selection import StratifiedGroupKFold

    known = samples.where(samples.taxon != STRANGER)
    number = min(FOLDS, len(np.unique(known.camera)))
    of_camera = np.arange(samples.camera.max() + 1) % number  # cameras with only strangers keep it
    cut = StratifiedGroupKFold(number, shuffle=True, random_state=SEED)
    for fold, (_, inside) in enumerate(cut.split(known.features, known.taxon, known.camera)):
        of_camera[known.camera[inside]] = fold
    return of_camera[samples.camera]


def cross_validate(samples: Samples, taxa: int, folds: Numbers, share: float = 1.0) -> Scored:
    """Score the samples of each fold by a head trained on the other folds, or on a `share` of their cameras."""
    logits, distances = np.zeros((len(folds), taxa)), np.zeros(len(folds))
    order = np.random.default_rng(SEED).permutation(samples.camera.max() + 1)
    for fold in range(folds.max() + 1):
        inside = folds == fold
        others = order[np.isin(order, samples.camera[~inside])]
        used = ~inside & np.isin(samples.camera, others[: max(round(len(others) * share), 1)])
        head = fit_linear(samples.where(used), taxa)
        logits[inside], distances[inside] = head.score(samples.features[inside])
    return Scored(logits, distances)


def learning_curve(samples: Samples, scored: Scored, folds: Numbers) -> list[Point]:
    """Return how often heads trained on a part of the cameras are right. `scored`: scores by heads of all cameras."""
    main, taxa = samples.is_main & (samples.taxon != STRANGER), scored.logits.shape[1]
    part = folds.max() / (folds.max() + 1)  # share of photos to train on; the rest is the fold
    points = []
    for share in (*SHARES, 1.0):
        found = scored if share == 1 else cross_validate(samples, taxa, folds, share)
        right = (found.logits.argmax(axis=1) == samples.taxon)[main]
        photos, cameras = (round(each * share * part) for each in (main.sum(), len(np.unique(samples.camera[main]))))
        points.append(Point(photos, cameras, float(right.mean())))
    return points


def shares_of(logits: Floats, temperature: float) -> Floats:
    """Return the probabilities of the taxa, given that a photo shows one of them, shape (N, K)."""
    shares = np.exp((logits - logits.max(axis=1, keepdims=True)) / temperature)
    return np.asarray(shares / shares.sum(axis=1, keepdims=True))


def probabilities(scored: Scored, temperature: float, far: tuple[float, float]) -> Floats:
    """Return the probabilities of the taxa and, last, of any other taxon: shape (N, K + 1)."""
    slope, middle = far
    other = (1 + np.tanh(slope * (scored.distances - middle) / 2))[:, np.newaxis] / 2  # a sigmoid that cannot overflow
    return np.concatenate([shares_of(scored.logits, temperature) * (1 - other), other], axis=1)


def temperature_of(logits: Floats, taxon: Numbers) -> float:
    """Return the temperature under which the logits of known taxa are the likeliest (Guo et al. 2017)."""
    at = np.arange(len(logits)), taxon
    losses = [-np.log(shares_of(logits, each)[at] + 1e-12).mean() for each in TEMPERATURES]
    return float(TEMPERATURES[int(np.argmin(losses))])


def far_of(distances: Floats) -> tuple[float, float]:
    """Return `Head.far`, slope and middle of the probability that a photo shows another taxon.

    `distances`: squared distances of photos that show a taxon of the head. At their quantile `FARTHEST`, the middle,
    the probability is 1/2; at their median, it is 1/100.
    """
    median, farthest = np.quantile(distances, (0.5, FARTHEST))
    return float(np.log(99) / max(farthest - median, 1e-6)), float(farthest)


def thresholds_of(said: Floats, taxon: Numbers, precision: float) -> list[float]:
    """Return each taxon's threshold: the least probability from which a share `precision` of names is right, or 1.

    `said`: probabilities, shape (N, K + 1). `taxon`: number of the taxon that each sample shows, shape (N,).
    """
    guess, certainty = said.argmax(axis=1), said.max(axis=1)
    order = np.argsort(-certainty, kind="stable")
    order = order[guess[order] < said.shape[1] - 1]
    right = guess[order] == taxon[order]
    pooled = np.cumsum(right) / (np.arange(len(order)) + 1 + SLIPS)
    thresholds = []
    for number in range(said.shape[1] - 1):
        mine = guess[order] == number
        names = np.arange(mine.sum()) + 1
        share = (np.cumsum(right[mine]) + PRIOR * pooled[mine]) / (names + PRIOR)
        enough = certainty[order][mine][share >= precision]
        thresholds.append(float(enough[-1]) if enough.size else 1.0)
    return thresholds


def fit(samples: Samples, taxa: int, precision: float) -> tuple[Head, Floats, list[float], list[Point]]:
    """Return a head fitted to all samples, and figures of heads that have not seen the photo's camera.

    The figures are the probabilities of each sample, the threshold of each taxon, and the learning curve.
    """
    folds, main = folds_of(samples), samples.is_main
    scored = cross_validate(samples, taxa, folds)
    is_known = samples.taxon != STRANGER
    temperature = temperature_of(scored.logits[is_known], samples.taxon[is_known])
    far = far_of(scored.distances[is_known & main])
    said = probabilities(scored, temperature, far)
    head = replace(fit_linear(samples, taxa), temperature=temperature, far=far)
    thresholds = thresholds_of(said[main], samples.taxon[main], precision)
    return head, said, thresholds, learning_curve(samples, scored, folds)


LEAST_PHOTOS, LEAST_CAMERAS, LEAST_TAXA = 20, 3, 2
"""Fewest photos and cameras of a taxon, and taxa of a head. With two cameras, none is left to test what both taught."""


def taxa_of(photos: Sequence[LabelledPhoto]) -> tuple[list[str], list[str]]:
    """Return the ids of the taxa with enough photos to learn from, and texts about the others.

    Raises `CommandError` if there are too few such taxa, or if the camera of a photo is not known.
    """
    homeless = [each.photo for each in photos if not each.camera]
    if homeless:
        raise CommandError(
            f"{count(len(homeless), 'photo is')} of no known camera, such as {homeless[0]}; put those of each camera "
            "into a folder of its own, give --deployments, or add the column camera"
        )
    pairs = {(each.taxon, each.photo, each.camera) for each in photos}
    number = Counter(taxon for taxon, _, _ in pairs)
    cameras = Counter(taxon for taxon, _ in {(taxon, camera) for taxon, _, camera in pairs})
    enough = [each for each in sorted(number) if number[each] >= LEAST_PHOTOS and cameras[each] >= LEAST_CAMERAS]
    shown = {
        taxon: f"{taxon} ({count(number[taxon], 'photo')} of {count(cameras[taxon], 'camera')})"
        for taxon, _ in number.most_common()
    }
    if len(enough) < LEAST_TAXA:
        raise CommandError(
            f"there are too few labels to learn from: expected {LEAST_TAXA} taxa with {LEAST_PHOTOS} photos of "
            f"{LEAST_CAMERAS} cameras each, found {', '.join(shown.values()) or 'none'}; label more"
        )
    return enough, [text for taxon, text in shown.items() if taxon not in enough]


def samples_of(crops: Sequence[Crop], taxa: Sequence[str]) -> Samples:
    """Convert animals to samples. A photo is judged by its surest box: one that people drew, if it has one."""
    at = {taxon: number for number, taxon in enumerate(taxa)}
    cameras = {camera: number for number, camera in enumerate(sorted({each.photo.camera for each in crops}))}
    main = {(each.checksum, each.photo.taxon): number for number, each in enumerate(crops)}  # the last is the surest
    is_main = np.zeros(len(crops), bool)
    is_main[list(main.values())] = True
    return Samples(
        np.array([each.features for each in crops], np.float32),
        np.array([at.get(each.photo.taxon, STRANGER) for each in crops], np.intp),
        np.array([cameras[each.photo.camera] for each in crops], np.intp),
        is_main,
    )


def learn(crops: Sequence[Crop], about: About) -> tuple[Head, Evaluation]:
    """Return a head trained on all crops (see `crops_of`), and how often heads are right on cameras new to them."""
    ids = {each.scientific_name: each.taxon_id for each in about.taxa}
    samples = samples_of(crops, list(ids))
    head, scores, thresholds, curve = fit(samples, len(ids), about.precision)
    outcomes = tuple(
        Outcome(each.photo.photo, each.photo.camera, ids.get(each.photo.taxon, OTHER), said, each.box)
        for each, said, is_main in zip(crops, scores.astype(np.float32), samples.is_main, strict=True)
        if is_main
    )
    return head, Evaluation(about, outcomes, dict(zip(ids.values(), thresholds, strict=True)), tuple(curve))
