"""Predictions of other programs' models as answers in a results file, which need not have been there."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import batched
from pathlib import Path
from sqlite3 import Row
from typing import Any

import click

from chalicelib.config.settings import Settings
from chalicelib.location import Location
from chalicelib.services import build_recogniser
from cli.deployments import corrected
from cli.engines.engine import facts_in
from cli.engines.local import features_of_places, of_a_run
from cli.errors import Exit
from cli.identify.listing import photos_below, study_folder
from cli.importing.labels import Label
from cli.importing.photos import StudyPhotos
from cli.importing.predictions import Predicted, Predictions
from cli.importing.speciesnet_taxa import taxon_of_label
from cli.importing.weighing import Weighing
from cli.options import PlaceOptions
from cli.place import NONE, Place
from cli.results import BATCH, FileFacts, Outcome, ResultsFile, Task
from cli.study.moved import find_below
from cli.terminal import MOST_FAULTS, photo_progress, shown, waiting, warn
from cli.video import VideoUnreadable, can_read, is_video, opened

HEAD = 1 << 18
"""Bytes at the beginning of a photo that mostly have its EXIF and its size."""
_ROW = """
select id, path, size, modified, checksum, place, shift, taken, latitude, longitude, width, height,
    answer ->> '$.model.name' as model
from photo where id = ?
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
                for found in said.frames.values():
                    for classes in (found.whole, *(each for _, each in found.boxes)):
                        plan.labels.update(label for label, _ in classes)
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


@dataclass(slots=True)
class _Tally:
    saved: int = 0
    replaced: int = 0
    nowhere: int = 0
    unmeasured: int = 0
    excluded: Counter[str] = field(default_factory=Counter)
    let_pass: Counter[str] = field(default_factory=Counter)

    def compare(self, answer: Mapping[str, Any], said: Predicted) -> None:
        """Note where SpeciesNet's geofence, which goes by country, and our ranges disagree on its first animal."""
        classes = [label for each in said.frames.values() for label, _ in each.whole]
        first = next((each for each in map(taxon_of_label, classes) if each.kind == "animal"), None)
        if "country" not in said.theirs or answer["features"]["mode"] != "narrowed" or first is None:
            return
        here = {each["scientific_name"]: each["here"] for each in answer["candidates"]}
        lives = here.get(first.scientific_name, "unexpected") != "unexpected"
        is_excluded = "geofence" in str(said.theirs.get("prediction_source"))
        if is_excluded == lives:
            (self.excluded if lives else self.let_pass)[f"{first.name} in {said.theirs['country']}"] += 1


def import_answers(
    results: Path, file: Path, root: Path | None, given: PlaceOptions, environment: Mapping[str, str]
) -> int:
    """Save what the models of a file found as answers of RESULTS. Return the exit code."""
    if root is None and not results.is_file():
        raise click.UsageError(f"there is no {results} yet; say with --root in which folder the photos are")
    predictions = Predictions(file)
    with ResultsFile(results, write=True) as kept:
        where = given.keep(kept, NONE if root else None)
        if root:
            folder = study_folder(kept, [root.absolute()], root)
            with waiting("looking for photos"):
                find_below(kept, folder, photos_below([folder], folder, where, []))
        elif given.deployments or given.place:
            kept.find(where.of(*row) for row in list(kept.rows("select path, size, modified from photo")))
        plan = _Plan.of(predictions, StudyPhotos(kept), kept.counts().total)
        settings = of_a_run(Settings.from_environment(environment))
        weighing = Weighing(
            sorted(plan.labels),
            build_recogniser(settings),
            lambda: features_of_places(settings, environment, warn),
            settings.thresholds.season_floor,
        )
        tally = _save(kept, plan, predictions, weighing, datetime.fromtimestamp(file.stat().st_mtime, UTC))
        where.settle()
        left = kept.counts().left
    _say(plan, tally, predictions.unknown, left)
    return Exit.SOME_FAILED if plan.missing or plan.failures or tally.unmeasured else Exit.DONE


def _save(results: ResultsFile, plan: _Plan, predictions: Predictions, weighing: Weighing, at: datetime) -> _Tally:
    tally, folder = _Tally(), Path(results.study()["folder"])
    with photo_progress(0, sum(map(len, plan.photos.values())), "importing") as reach:
        for some in batched(_matched(plan, predictions), BATCH, strict=False):
            outcomes = [
                outcome
                for said, identity in some
                if (outcome := _outcome(next(results.rows(_ROW, identity)), said, folder, weighing, tally))
            ]
            with results.transaction():
                for outcome in outcomes:
                    results.save(replace(outcome, identified=at.isoformat(timespec="seconds")))
            tally.saved += len(outcomes)
            reach(tally.saved)
    return tally


def _matched(plan: _Plan, predictions: Predictions) -> Iterator[tuple[Predicted, int]]:
    for number, said in enumerate(predictions):
        for identity in plan.photos.get(number, ()):
            yield said, identity


def _outcome(row: Row, said: Predicted, folder: Path, weighing: Weighing, tally: _Tally) -> Outcome | None:
    """Return the answer for a photo; None if its boxes are in pixels, and its size is not known."""
    place = Place.parse(row["place"])
    facts = FileFacts(*(row[name] for name in ("width", "height", "taken", "latitude", "longitude")))
    if facts.width is None:
        facts = _facts_of(folder / row["path"], place)
    if facts.latitude is None and said.place:
        facts = replace(facts, latitude=said.place[0], longitude=said.place[1])
    if said.pixels and not (facts.width and facts.height):
        tally.unmeasured += 1
        return None
    location = None
    if facts.latitude is not None and facts.longitude is not None:
        location = Location(facts.latitude, facts.longitude, "exif" if place.source == "exif" else "request")
    month = corrected(facts.taken, row["shift"]).month if facts.taken else None
    answer = weighing.answer(said, location, month, (facts.width or 1, facts.height or 1))
    tally.nowhere += location is None
    tally.replaced += row["model"] is not None and row["model"] != said.model[0]
    tally.compare(answer, said)
    task = Task(row["id"], row["path"], place, None, row["shift"])
    return Outcome(task, "done", row["size"], row["modified"], row["checksum"], facts, weighing.text_of(answer))


def _facts_of(path: Path, place: Place) -> FileFacts:
    """Return what a photo's file says: the beginning of the file, if that is enough. Of a video, that of a frame."""
    with suppress(OSError, VideoUnreadable):
        if not is_video(path):
            with path.open("rb") as file:
                facts = facts_in(head := file.read(HEAD), place)
                return facts if facts.width or len(head) < HEAD else facts_in(head + file.read(), place)
        if can_read():
            with opened(path) as video:
                facts = facts_in(video.frame_at(0.0).jpeg, place)
                return replace(facts, width=video.width, height=video.height)
    return FileFacts(latitude=place.latitude, longitude=place.longitude)


def _say(plan: _Plan, tally: _Tally, unknown: Sequence[str], left: int) -> None:
    warn(f"{tally.saved:,} photos have answers of the file now; {left:,} are left to `faunalens identify`")
    if tally.replaced:
        warn(f"{tally.replaced:,} of them replace answers of other models; reviews stay")
    if tally.nowhere:
        warn(f"{tally.nowhere:,} have no place, so the scores alone decide; give --deployments, or --lat and --lon")
    if unknown:
        listed = ", ".join(map(shown, unknown[:MOST_FAULTS]))
        warn(f"{len(unknown):,} classes are of no taxon, and count as animals: {listed}")
    for counted, what in (
        (plan.failures, "could not be read by the other program"),
        (tally.excluded, "were excluded by SpeciesNet's geofence, and live there by our ranges"),
        (tally.let_pass, "passed SpeciesNet's geofence, and do not live there by our ranges"),
    ):
        if counted:
            listed = ", ".join(f"{shown(name)} ({count:,})" for name, count in counted.most_common(MOST_FAULTS))
            warn(f"{counted.total():,} photos {what}: {listed}")
    if tally.unmeasured:
        warn(f"{tally.unmeasured:,} photos cannot be read, so boxes in pixels have no meaning; import again with them")
    if plan.missing:
        warn(f"{len(plan.missing):,} of {plan.rows:,} photos of the file are not in the study, or may be several:")
        for path in plan.missing[:MOST_FAULTS]:
            click.echo(f"  {shown(path)}", err=True)
