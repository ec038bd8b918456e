"""Predictions of other programs' models as answers in a results file, which may be new.

The user chooses who names the animals: the other program, whose scores are then weighed by the place; our models, which
look at what is in its boxes; or both, so that each photo has a second opinion.
"""

import json
import os
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from itertools import batched, chain, repeat
from multiprocessing import get_context
from pathlib import Path
from sqlite3 import Row
from typing import Any, NamedTuple

from chalicelib.api.parameters import DEFAULT_TOP
from chalicelib.config.settings import Settings
from chalicelib.lazy import Lazy
from chalicelib.location import Location
from chalicelib.model.detector import Box, Detector
from chalicelib.services import build_recogniser
from faunalens.engines.engine import Refused
from faunalens.engines.local import LocalEngine, features_of_places, of_a_run
from faunalens.engines.megadetector import with_detector
from faunalens.engines.place import NONE, Place
from faunalens.errors import Exit
from faunalens.importing.labels import Label
from faunalens.importing.photos import StudyPhotos, facts_of, listed, looked_for, nearest, warn_of_missing
from faunalens.importing.predictions import Names, Predicted, Predictions
from faunalens.importing.weighing import Weighing, opinion_in, with_others
from faunalens.study.deployments import PlaceOptions, Where, corrected
from faunalens.study.results import BATCH, QUERIES, FileFacts, Outcome, ResultsFile, Task
from faunalens.study.video import is_video
from faunalens.terminal import MOST_FAULTS, photo_progress, shown, warn
from faunalens.words import count

LOOKED_AT = 50
"""Photos in a transaction while our models look at them: few, so that a run that is stopped loses few."""
MANY = 10_000
"""Number of photos from which processes are started to weigh scores: their start takes three seconds."""
MOST = 4
"""Largest number of these processes: more would wait for the one that reads and saves."""


class _Asked(NamedTuple):
    """A photo of the study, and what the file says of it. The boxes stay in pixels if the photo's size is unknown."""

    said: Predicted
    row: Row
    place: Place
    facts: FileFacts

    @classmethod
    def of(cls, said: Predicted, row: Row, folder: Path, where: Where) -> "_Asked":
        """Combine a row of the results with what the file says; read what the results lack from the photo.

        `folder`: the study's. `where`: says which deployment took a photo whose time is read only now.
        """
        place = Place.parse(row["place"])
        facts = FileFacts(*(row[name] for name in ("width", "height", "taken", "latitude", "longitude")))
        if facts.width is None:
            facts = facts_of(folder / row["path"], place)
            clock = (facts.taken, row["shift"]) if facts.taken else None
            found = where.of(row["path"], row["size"], row["modified"], clock)
            if found.deployment and found.place:
                place = found.place
                facts = replace(facts, latitude=place.latitude, longitude=place.longitude)
        if facts.latitude is None and said.place:
            facts = replace(facts, latitude=said.place[0], longitude=said.place[1])
        if facts.width and facts.height:
            said = said.in_shares((facts.width, facts.height))
        return cls(said, row, place, facts)

    @property
    def question(self) -> tuple[Predicted, Location | None, int | None]:
        """Return all that an answer depends on: what the other program found, the place, and the month."""
        facts, location = self.facts, None
        month = corrected(facts.taken, self.row["shift"]).month if facts.taken else None
        if facts.latitude is not None and facts.longitude is not None:
            is_exif = self.place.source == "exif"
            location = Location(facts.latitude, facts.longitude, "exif" if is_exif else "request")
        return self.said, location, month


type _Weighed = tuple[str, dict[str, Any] | None]
"""An answer as JSON, and the file's own name for the photo as a second opinion, or None."""


@dataclass(slots=True)
class _Import:
    """Which photos of the study the rows of a file are about, and what became of these photos.

    `photos`: ids of photos, by number of the row. `labels`: all classes in the file. `missing`: paths in the file that
    match no photo, or perhaps several. `failures`: number of rows without a prediction, by reason. `saved`: number of
    photos that got an answer from the file. `remarks`: numbers of photos by the keys of `_REMARKS`. `fences`: numbers
    of photos by taxon and country, where SpeciesNet's geofence and our ranges disagree: under True, only the geofence
    excludes the taxon; under False, only our ranges do.
    """

    photos: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))
    labels: set[str] = field(default_factory=set)
    missing: list[str] = field(default_factory=list)
    failures: Counter[str] = field(default_factory=Counter)
    saved: int = 0
    remarks: Counter[str] = field(default_factory=Counter)
    fences: dict[bool, Counter[str]] = field(default_factory=lambda: {True: Counter(), False: Counter()})

    def match(self, predictions: Predictions, photos: StudyPhotos, total: int) -> None:
        """Match the rows of `predictions` with photos. `total`: number of rows, for the progress."""
        paths = dict[str, int]()

        def matches() -> Iterator[tuple[int, Sequence[int], int]]:
            for number, said in enumerate(predictions):
                reach(min(number + 1, total))
                if said.failure or said.reviewer:
                    self.failures[said.failure or f"named by {said.reviewer}; import reviews from a Camtrap DP"] += 1
                    continue
                self.labels.update(label for classes in said.classes for label, _ in classes)
                found = photos.of(Label(said.path))
                if not found[0] and Path(said.path).is_file():
                    found = photos.of(Label(said.path, file=Path(said.path)))
                yield paths.setdefault(said.path, number), *found

        with photo_progress(0, total, "reading predictions") as reach:
            for identity, number in nearest(matches()).items():
                self.photos[number].append(identity)
        self.missing = [path for path, number in paths.items() if number not in self.photos]

    def asked(self, predictions: Predictions, kept: ResultsFile, where: Where, most: int) -> Iterator[list[_Asked]]:
        """Yield the file's photos, `most` at a time. Count and skip photos of unknown size with boxes in pixels."""
        folder = Path(kept.study()["folder"])
        matched = ((said, each) for number, said in enumerate(predictions) for each in self.photos.get(number, ()))
        for some in batched(matched, most, strict=False):
            identities = json.dumps([identity for _, identity in some], allow_nan=False)
            rows = {row["id"]: row for row in kept.rows(QUERIES["by ids"], identities)}
            asked = [_Asked.of(said, rows[identity], folder, where) for said, identity in some]
            self.remarks["unmeasured"] += sum(each.said.pixels for each in asked)
            yield [each for each in asked if not each.said.pixels]

    def add(self, asked: _Asked, opinion: Mapping[str, Any] | None, *, is_unseen: bool) -> None:
        """Count a photo. `is_unseen`: whether our models should have looked at it, but could not."""
        self.saved += 1
        is_replaced = asked.row["model"] is not None and asked.row["model"] != asked.said.model[0]
        self.remarks.update(replaced=is_replaced, nowhere=asked.facts.latitude is None, unseen=is_unseen)
        if fence := (opinion or {}).get("geofence"):
            self.fences[fence["excludes"]][f"{fence['taxon']} in {fence['country']}"] += 1


_REMARKS = {
    "replaced": "now an answer in place of another model's; reviews stay",
    "nowhere": "no place, so the scores alone decide; give --deployments, or --lat and --lon",
    "unseen": "not been seen by our models: a video, or a file that cannot be read",
    "unmeasured": "boxes in pixels, and no readable file to measure them by; add the files",
}
"""What the command says of photos, after `1 photo has` or `2 photos have`."""


def import_answers(
    results: Path, file: Path, root: Path | None, given: PlaceOptions, names: Names, environment: Mapping[str, str]
) -> int:
    """Save what other programs' models found, according to `file`, as answers in `results`. Return the exit code."""
    predictions = Predictions(file)
    with ResultsFile(results, write=True) as kept:
        where = looked_for(kept, root, given)
        taken = _Import()
        taken.match(predictions, StudyPhotos(kept), kept.counts().total)
        settings = of_a_run(Settings.from_environment({"MODEL_THREADS": "1", **environment}))
        engine = None if names == "theirs" else LocalEngine.build(settings, environment, DEFAULT_TOP, warn)
        number, cores = sum(map(len, taken.photos.values())), os.process_cpu_count() or 1
        at = datetime.fromtimestamp(file.stat().st_mtime, UTC).isoformat(timespec="seconds")
        asked = taken.asked(predictions, kept, where, LOOKED_AT if engine else BATCH)
        weighed = _weighed(
            asked,
            partial(_begin, sorted(taken.labels), settings, dict(environment)),
            workers=min(cores, MOST) if cores > 1 and number >= MANY and not engine else 0,
        )
        with photo_progress(0, number, "importing") as reach, ThreadPoolExecutor(cores) as pool:
            for some, answers in weighed:
                ours = pool.map(partial(_look, engine, Path(kept.study()["folder"])), some) if engine else repeat(None)
                with kept.transaction():
                    for each, (text, opinion), our in zip(some, answers, ours, strict=False):
                        taken.add(each, opinion, is_unseen=engine is not None and our is None)
                        kept.save(replace(_outcome(each, text, opinion, our, names), identified=at))
                reach(taken.saved)
        where.settle()
        left = kept.counts().left
    _say(taken, predictions.unknown, left)
    has_failed = taken.missing or taken.failures or taken.remarks["unmeasured"] or taken.remarks["unseen"]
    return Exit.SOME_FAILED if has_failed else Exit.DONE


_weighing: Lazy[Weighing]
"""Weighs the scores in this process, once `_begin` has set it."""


def _begin(labels: Sequence[str], settings: Settings, environment: Mapping[str, str]) -> None:
    """Prepare this process to weigh scores. The first photo loads our models, and raises the error if that fails."""
    global _weighing
    features = partial(features_of_places, settings, environment, warn)
    _weighing = Lazy(lambda: Weighing(labels, build_recogniser(settings), features, settings.thresholds.season_floor))


def _weigh(questions: Sequence[tuple[Predicted, Location | None, int | None]]) -> list[_Weighed]:
    return [_weighing.get().answer(*each) for each in questions]


def _weighed(
    asked: Iterable[list[_Asked]], begin: Callable[[], None], workers: int
) -> Iterator[tuple[list[_Asked], list[_Weighed]]]:
    """Yield photos with their answers, in the order of the file. `begin`: prepares a process to weigh scores.

    Weighing takes two thirds of the time: `workers` processes do it, while this process reads the next photos and saves
    the last ones. With 0 workers, this process does it itself.
    """
    if not workers:
        begin()
        yield from ((some, _weigh([each.question for each in some])) for some in asked)
        return
    running = deque[tuple[list[_Asked], Future[list[_Weighed]]]]()
    with ProcessPoolExecutor(workers, get_context("spawn"), begin) as pool:
        for some in chain(asked, repeat([], 2 * workers)):  # the empty lists push the last results out
            running.append((some, pool.submit(_weigh, [each.question for each in some])))
            if len(running) > 2 * workers:
                first, answers = running.popleft()
                yield first, answers.result()


class _Given(Detector):
    """A detector that returns the boxes of a file. `model`: name and version of the model that found them."""

    is_loaded = True

    def __init__(self, model: tuple[str, str], boxes: Sequence[Box]) -> None:
        self.name, self.version = model
        self._boxes = tuple(boxes)

    def detect(self, *_: object, **__: object) -> tuple[Box, ...]:
        """Return the given boxes."""
        return self._boxes


def _look(engine: LocalEngine, folder: Path, asked: _Asked) -> str | None:
    """Return, as JSON, the answer of our models, which look at what is in the file's boxes.

    None if the photo cannot be read, or if it is a video, whose frames we may number differently. Raises `ModelError`.
    """
    said, location, _ = asked.question
    path = folder / asked.row["path"]
    if is_video(path) or -1 not in said.frames:
        return None
    given = _Given(said.detector or said.model, [box for box, _ in said.frames[-1].boxes])
    place = Place("given", location.latitude, location.longitude) if location else NONE
    engine = engine.changed(lambda services: with_detector(services, given))
    try:
        return engine.identify(path.read_bytes(), place, asked.row["shift"]).answer
    except (OSError, Refused):
        return None


def _outcome(asked: _Asked, text: str, opinion: dict[str, Any] | None, ours: str | None, names: Names) -> Outcome:
    """Return the outcome to save for a photo. `text`: the answer from the file.

    `opinion`: the file's own name. `ours`: our models' answer, if they have looked. `names`: whose names to use.
    """
    row, others = asked.row, [opinion] if opinion else []
    if ours and names == "ours":
        text = ours
    elif ours:
        others.append(opinion_in(ours))
    task = Task(row["id"], row["path"], asked.place, None, row["shift"])
    text = with_others(text, others)
    return Outcome(task, "done", row["size"], row["modified"], row["checksum"], asked.facts, text)


def _say(taken: _Import, unknown: Sequence[str], left: int) -> None:
    warn(f"{count(taken.saved, 'photo has')} answers from the file now; {left:,} left for `faunalens identify`")
    for key, text in _REMARKS.items():
        if taken.remarks[key]:
            warn(f"{count(taken.remarks[key], 'photo has')} {text}")
    if unknown:
        names = ", ".join(map(shown, unknown[:MOST_FAULTS]))
        warn(f"{count(len(unknown), 'class is', 'classes are')} of no taxon, and treated as animals: {names}")
    for counted, what in (
        (taken.failures, "without a model's answer in the file"),
        (taken.fences[True], "of animals that SpeciesNet's geofence excludes, but that live there by our ranges"),
        (taken.fences[False], "of animals that SpeciesNet's geofence allows, but that do not live there by our ranges"),
    ):
        if counted:
            warn(f"{count(counted.total(), 'photo')} {what}: {listed(counted)}")
    warn_of_missing(taken.missing)
