"""A version in shadow identifies the same photos as the live version. Clients never get its answers.

The version is a dataset (features/cache.py says which, and for which cells), or another model, packs or thresholds,
for a share of the photos. To compare a dataset, the scores of the live answer are weighed again, by that dataset's
features. To compare a model, that model scores the photo. In each process, one thread does this for one photo at a
time; no request waits for it. Each comparison is a line of metrics of its own.
"""

from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from random import random
from threading import Lock, Thread
from time import sleep
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from chalicelib.errors import ModelError
from chalicelib.location import text_of
from chalicelib.telemetry.record import Notes

if TYPE_CHECKING:
    from chalicelib.features.cell_features import CellFeatures
    from chalicelib.features.features import Features
    from chalicelib.lazy import Lazy
    from chalicelib.model.recogniser import Recognised, Recogniser
    from chalicelib.model.taxonomy import Prediction
    from chalicelib.photo.photos import DecodedPhoto

Kind = Literal["dataset", "model"]
Result = Literal["same", "narrower", "wider", "other", "missed"]
PATIENCE: Final = 15.0
"""Longest wait for the live version's answer, in seconds. A request that fails never gives one."""
PAUSE: Final = 0.05
"""Seconds to wait before the other model runs, so that it does not delay the live answer.

A thread of low priority would not do: while other programs use the processor, it would wait holding Python's lock.
"""


class Live(NamedTuple):
    """The input and the result of the live version for one request. `boxes`: whether its answer has boxes."""

    photos: "Sequence[DecodedPhoto]"
    cell: int | None
    month: int | None
    features: "Features"
    recognised: "Recognised"
    boxes: bool = False


class Candidate(NamedTuple):
    """A recogniser with another model, packs or thresholds. `share`: the part of all photos that it gets, 0 to 1."""

    recogniser: "Lazy[Recogniser]"
    share: float


def compared(live: "Prediction | None", other: "Prediction | None") -> tuple[Result, float | None]:
    """Return how another prediction differs from the live one.

    If both name the same taxon, also return its gain in score. A missing prediction counts as wider than any taxon.
    """
    ours, theirs = (tuple(each.scientific_name for each in one.lineage) if one else () for one in (live, other))
    if ours == theirs:
        return "same", other.score - live.score if live and other else None
    shared = min(len(ours), len(theirs))
    if ours[:shared] != theirs[:shared]:
        return "other", None
    return ("wider" if len(theirs) < len(ours) else "narrower"), None


def of_comparison(
    kind: Kind,
    result: Result,
    gain: float | None = None,
    version: str | None = None,
    taxon: str | None = None,
    live: Live | None = None,
) -> Notes:
    """Return a comparison's metrics and properties, without the client. `taxon`: the taxon that `version` predicted."""
    metrics = {"ShadowComparisons": int(result != "missed"), "ShadowDifferences": int(result not in ("missed", "same"))}
    gained = {} if gain is None else {"ShadowGain": round(gain, 4)}
    shadow = {"shadow_kind": kind, "shadow_result": result, "shadow_version": version, "shadow_taxon": taxon}
    prediction = live.recognised.together.prediction if live else None
    answered = {
        "live_taxon": prediction.taxon.scientific_name if prediction else None,
        "features_version": live.features.version if live else "",
        "cell": text_of(live.cell) if live and live.cell is not None else None,
    }
    return Notes({**metrics, **gained}, shadow | answered)


class Shadow(NamedTuple):
    """Compares live answers with those of a version in shadow, in a thread of its own. Thread-safe.

    `emit`: writes metrics. `busy`: held while a comparison runs; a photo that comes meanwhile is not compared.
    """

    features: "CellFeatures"
    recogniser: "Recogniser"
    season_floor: float
    candidate: Candidate | None
    emit: Callable[[Notes], None]
    busy: Lock

    def begin(self, cell: int | None) -> Callable[[Live], None] | None:
        """Begin a comparison and return a function to call with the live answer; None if there is nothing to compare.

        A thread looks up the features of a dataset in shadow at once, since a container may sleep after its answer.
        """
        candidate = self.candidate if self.candidate and random() < self.candidate.share else None  # noqa: S311
        version = self.features.version_in_shadow(cell) if cell is not None and candidate is None else None
        if candidate is None and version is None:
            return None
        if not self.busy.acquire(blocking=False):
            self.emit(of_comparison("model" if candidate else "dataset", "missed", version=version))
            return None
        answered = SimpleQueue[Live]()
        Thread(target=self._run, args=(candidate, cell, version, answered), daemon=True).start()
        return answered.put

    def _run(self, candidate: Candidate | None, cell: int, version: str | None, answered: SimpleQueue[Live]) -> None:
        try:
            found = self.features.in_shadow(cell, version) if version is not None else None
            live = answered.get(timeout=PATIENCE)
            self.emit(_by_model(live, candidate) if candidate else self._by_dataset(live, version, found))
        except Empty:  # the request failed
            return
        finally:
            self.busy.release()

    def _by_dataset(self, live: Live, version: str | None, found: "Features | None") -> Notes:
        """Compare the live answer with that from the same scores and the features `found` in the dataset `version`."""
        if found is None:
            return of_comparison("dataset", "missed", version=version)
        prior = self.recogniser.models.prior_at(found.in_month(live.month, self.season_floor))
        return _compared("dataset", version, live, self.recogniser.name_with(live.recognised, prior))


def _by_model(live: Live, candidate: Candidate) -> Notes:
    """Compare the live answer, once it is on its way, with the candidate's answer to the same photos."""
    sleep(PAUSE)
    try:
        recogniser = candidate.recogniser.get()
        there = recogniser.recognise(live.photos, live.features, boxes=live.boxes).together.prediction
    except (ModelError, ValueError):  # ValueError: a model for pictures of another size
        return of_comparison("model", "missed")
    return _compared("model", recogniser.models.general.version, live, there)


def _compared(kind: Kind, version: str | None, live: Live, there: "Prediction | None") -> Notes:
    result, gain = compared(live.recognised.together.prediction, there)
    return of_comparison(kind, result, gain, version, there.taxon.scientific_name if there else None, live)
