"""Predictions of other programs' models as answers in a results file, which need not have been there.

Who names the animals is a choice: the other program, whose scores are then weighed by the place; our models, which look
at the crops of its boxes; or both, so that each photo has a second opinion.
"""

import json
import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from itertools import batched
from pathlib import Path
from sqlite3 import Row
from typing import Any, NamedTuple

import click

from chalicelib.api.parameters import DEFAULT_TOP
from chalicelib.config.settings import Settings
from chalicelib.location import Location
from chalicelib.services import build_recogniser
from cli.deployments import corrected
from cli.engines.local import LocalEngine, features_of_places, of_a_run
from cli.errors import Exit
from cli.importing.crops import look
from cli.importing.labels import Label
from cli.importing.photos import StudyPhotos, facts_of, looked_for
from cli.importing.predictions import Names, Predicted, Predictions
from cli.importing.weighing import Weighing, opinion_in, with_others
from cli.options import PlaceOptions
from cli.place import Place
from cli.results import BATCH, FileFacts, Outcome, ResultsFile, Task
from cli.terminal import MOST_FAULTS, photo_progress, shown, warn
from cli.words import count

LOOKED_AT = 50
"""Photos between two transactions while our models look at them, so that a run that is stopped loses few."""
_ROWS = """
select id, path, size, modified, checksum, place, shift, taken, latitude, longitude, width, height,
    answer ->> '$.model.name' as model
from photo where id in (select value from json_each(?))
"""


@dataclass(slots=True)
class _Plan:
    """Which row of a file answers for which photos. `missing`: paths that are not in the study, or may be several."""

    photos: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))
    labels: set[str] = field(default_factory=set)
    missing: list[str] = field(default_factory=list)
    failures: Counter[str] = field(default_factory=Counter)
    rows: int = 0

    @classmethod
    def of(cls, predictions: Predictions, photos: StudyPhotos, total: int) -> "_Plan":
        """Match the rows with photos. Of two that may mean a photo, it is that with more names of its path."""
        plan, owners, paths = cls(), dict[int, tuple[int, int]](), dict[int, str]()
        with photo_progress(0, total, "reading predictions") as reach:
            for number, said in enumerate(predictions):
                plan.rows = number + 1
                reach(min(plan.rows, total))
                if said.failure:
                    plan.failures[said.failure] += 1
                    continue
                plan.labels.update(label for classes in said.classes for label, _ in classes)
                identities, strength = photos.of(Label(said.path))
                if not identities and Path(said.path).is_file():
                    identities, strength = photos.of(Label(said.path, file=Path(said.path)))
                paths[number] = said.path
                for identity in identities:
                    if strength > owners.get(identity, (0, 0))[1]:
                        owners[identity] = number, strength
        for identity, (number, _) in owners.items():
            plan.photos[number].append(identity)
        plan.missing = [path for number, path in paths.items() if number not in plan.photos]
        return plan

    def matched(self, predictions: Predictions) -> Iterator[tuple[Predicted, int]]:
        """Yield each row with the photos that it answers for."""
        for number, said in enumerate(predictions):
            for identity in self.photos.get(number, ()):
                yield said, identity


class _Answered(NamedTuple):
    """A photo of the file. `outcome`: None if its boxes are in pixels, and its size is not known."""

    said: Predicted
    row: Row
    outcome: Outcome | None
    opinion: Mapping[str, Any] | None = None
    is_unseen: bool = False


@dataclass(slots=True)
class _Tally:
    saved: int = 0
    replaced: int = 0
    nowhere: int = 0
    unmeasured: int = 0
    unseen: int = 0
    excluded: Counter[str] = field(default_factory=Counter)
    let_pass: Counter[str] = field(default_factory=Counter)

    def add(self, done: _Answered) -> None:
        """Count a photo."""
        if done.outcome is None:
            self.unmeasured += 1
            return
        self.saved += 1
        self.nowhere += done.outcome.facts.latitude is None
        self.replaced += done.row["model"] is not None and done.row["model"] != done.said.model[0]
        self.unseen += done.is_unseen
        if fence := (done.opinion or {}).get("geofence"):
            (self.excluded if fence["excludes"] else self.let_pass)[f"{fence['taxon']} in {fence['country']}"] += 1


def import_answers(
    results: Path, file: Path, root: Path | None, given: PlaceOptions, names: Names, environment: Mapping[str, str]
) -> int:
    """Save what the models of a file found as answers of RESULTS. Return the exit code."""
    predictions = Predictions(file)
    with ResultsFile(results, write=True) as kept:
        where = looked_for(kept, root, given)
        plan = _Plan.of(predictions, StudyPhotos(kept), kept.counts().total)
        settings = of_a_run(Settings.from_environment(environment))
        weighing = Weighing(
            sorted(plan.labels),
            build_recogniser(settings),
            lambda: features_of_places(settings, environment, warn),
            settings.thresholds.season_floor,
        )
        engine = None if names == "theirs" else LocalEngine.build(settings, environment, DEFAULT_TOP, warn)
        answer = partial(_answered, folder=Path(kept.study()["folder"]), weighing=weighing, engine=engine, names=names)
        at = datetime.fromtimestamp(file.stat().st_mtime, UTC).isoformat(timespec="seconds")
        tally, number = _Tally(), sum(map(len, plan.photos.values()))
        with photo_progress(0, number, "importing") as reach, ThreadPoolExecutor(os.process_cpu_count()) as pool:
            for some in batched(plan.matched(predictions), LOOKED_AT if engine else BATCH, strict=False):
                rows = {
                    row["id"]: row
                    for row in kept.rows(_ROWS, json.dumps([identity for _, identity in some], allow_nan=False))
                }
                pairs = [(said, rows[identity]) for said, identity in some]
                done = pool.map(answer, pairs) if engine else map(answer, pairs)
                _save(kept, done, tally, at)
                reach(tally.saved)
        where.settle()
        left = kept.counts().left
    _say(plan, tally, predictions.unknown, left)
    return Exit.SOME_FAILED if plan.missing or plan.failures or tally.unmeasured or tally.unseen else Exit.DONE


def _save(results: ResultsFile, answered: Iterable[_Answered], tally: _Tally, at: str) -> None:
    done = list(answered)
    with results.transaction():
        for each in done:
            tally.add(each)
            if each.outcome:
                results.save(replace(each.outcome, identified=at))


def _answered(
    pair: tuple[Predicted, Row], folder: Path, weighing: Weighing, engine: LocalEngine | None, names: Names
) -> _Answered:
    said, row = pair
    place = Place.parse(row["place"])
    facts = FileFacts(*(row[name] for name in ("width", "height", "taken", "latitude", "longitude")))
    if facts.width is None:
        facts = facts_of(folder / row["path"], place)
    if facts.latitude is None and said.place:
        facts = replace(facts, latitude=said.place[0], longitude=said.place[1])
    if said.pixels and not (facts.width and facts.height):
        return _Answered(said, row, None)
    location = None
    if facts.latitude is not None and facts.longitude is not None:
        location = Location(facts.latitude, facts.longitude, "exif" if place.source == "exif" else "request")
    month = corrected(facts.taken, row["shift"]).month if facts.taken else None
    size = (facts.width or 1, facts.height or 1)
    text, opinion = weighing.answer(said, location, month, size)
    others = [opinion] if opinion else []
    ours = look(engine, folder / row["path"], said.in_shares(size), location, row["shift"]) if engine else None
    if ours and names == "ours":
        text = ours
    elif ours:
        others.append(opinion_in(ours))
    task = Task(row["id"], row["path"], place, None, row["shift"])
    text = with_others(text, others)
    outcome = Outcome(task, "done", row["size"], row["modified"], row["checksum"], facts, text)
    return _Answered(said, row, outcome, opinion, is_unseen=engine is not None and ours is None)


def _say(plan: _Plan, tally: _Tally, unknown: Sequence[str], left: int) -> None:
    warn(f"{count(tally.saved, 'photo has')} answers of the file now; {left:,} left to `faunalens identify`")
    if tally.replaced:
        warn(f"{tally.replaced:,} of them replace answers of other models; reviews stay")
    if tally.nowhere:
        warn(f"{tally.nowhere:,} have no place, so the scores alone decide; give --deployments, or --lat and --lon")
    if tally.unseen:
        warn(f"{tally.unseen:,} are videos or cannot be read, so our models have not looked at them")
    if unknown:
        listed = ", ".join(map(shown, unknown[:MOST_FAULTS]))
        warn(f"{count(len(unknown), 'class is', 'classes are')} of no taxon, and treated as animals: {listed}")
    for counted, what in (
        (plan.failures, "could not be read by the other program"),
        (tally.excluded, "excluded by SpeciesNet's geofence, which live there by our ranges"),
        (tally.let_pass, "passed SpeciesNet's geofence, which do not live there by our ranges"),
    ):
        if counted:
            listed = ", ".join(f"{shown(name)} ({count:,})" for name, count in counted.most_common(MOST_FAULTS))
            warn(f"{count(counted.total(), 'photo')} {what}: {listed}")
    if tally.unmeasured:
        warn(f"{count(tally.unmeasured, 'photo')} unreadable, so boxes in pixels mean nothing; import them too")
    if plan.missing:
        warn(f"{len(plan.missing):,} of {count(plan.rows, 'photo')} of the file: not in the study, or may be several:")
        for path in plan.missing[:MOST_FAULTS]:
            click.echo(f"  {shown(path)}", err=True)
