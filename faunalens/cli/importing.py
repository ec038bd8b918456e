"""`faunalens import`: save labels from other programs as reviews of a study, and their predictions as answers."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import batched
from pathlib import Path

import click

from faunalens.cli import options
from faunalens.cli.options import argument, option
from faunalens.errors import CommandError, Exit
from faunalens.importing.labels import COLUMNS, Label, folder_labels, labels_in
from faunalens.importing.photos import StudyPhotos, let_in, listed, looked_for, nearest, warn_of_missing
from faunalens.importing.predictions import Names, Predictions
from faunalens.study.deployments import PlaceOptions
from faunalens.study.finding import Observation, Opinion
from faunalens.study.results import BATCH, ResultsFile
from faunalens.study.reviews import save
from faunalens.terminal import photo_progress, warn
from faunalens.words import count


def _column(text: str) -> tuple[str, str]:
    name, _, column = text.partition("=")
    if name not in COLUMNS or not column:
        raise ValueError(f"'{text}' names no column; expected one of {', '.join(COLUMNS)}, then =, then a column")
    return name, column


@options.command("import", short_help="Take labels or predictions of other programs.")
def importing(
    environment: Mapping[str, str] = options.ENVIRONMENT,
    results: Path = options.RESULTS,
    file: Path = argument(options.ANY, metavar="FILE"),
    folders: bool = option("FILE is a folder whose subfolders are named after animals."),
    column: Sequence[tuple[str, str]] = option(
        f"What a column of Timelapse's CSV stands for; WHAT is one of {', '.join(COLUMNS)}.",
        options.Parsed("column", _column),
        multiple=True,
        metavar="WHAT=COLUMN",
    ),
    reviewer: str | None = option("Who made the labels, where FILE does not say.", metavar="NAME"),
    root: Path | None = option(
        "The folder of the photos. Needed if RESULTS does not exist yet.", options.EXISTING_FOLDER
    ),
    names: Names = option(
        "Who names the animals in predictions: their program, or our models, which look at the crops of their boxes. "
        "`both` keeps our names beside theirs, and shows where they differ.",
        default="theirs",
    ),
    given: PlaceOptions = options.PLACE,
) -> int:
    """Take the labels in FILE as reviews of RESULTS.

    FILE is a CSV of Timelapse, COCO JSON, a Camtrap DP, or a folder with a subfolder for each animal. Or it has
    predictions, as JSON of MegaDetector, SpeciesNet or PyTorch-Wildlife. These become answers, as `identify` makes
    them: scores are weighed by the place, and each answer names the model that it comes from.

    Photos are found by path, even below another folder, by their bytes, or by a unique file name. Animals may have
    scientific or everyday names; a name of no known taxon is kept as typed. You may import the same FILE again.
    """
    if root is None and not results.is_file():
        raise click.UsageError(f"there is no {results} yet; say with --root in which folder the photos are")
    if Predictions.is_form_of(file) and not folders:
        from faunalens.importing.machine_answers import import_answers

        return import_answers(results, file, root, given, names, environment)
    if names != "theirs":
        raise click.UsageError("--names is for predictions as JSON; labels of people are kept as they are")
    labels = folder_labels(file) if folders and file.is_dir() else labels_in(file, dict(column))
    if labels is None:
        raise CommandError(
            f"{file} is neither a CSV of Timelapse, with File and RelativePath, nor COCO JSON, nor a Camtrap DP, with "
            "datapackage.json; if its subfolders are named after animals, say --folders"
        )
    with ResultsFile(results, write=True) as kept:
        where = looked_for(kept, root, given)
        with photo_progress(0, kept.counts().total, "reading labels") as reach:
            found = _matched(labels, StudyPhotos(kept), reach)
        answered = {identity for (identity,) in kept.rows("select id from photo where answer is not null")}
        answered |= let_in(kept, sorted(found.said.keys() - answered))
        by = reviewer or f"imported from {file.absolute().name}"
        opinions, done = found.opinions(by, datetime.fromtimestamp(file.stat().st_mtime, UTC)), 0
        latest = {(photo, who): at for photo, who, at in kept.rows("select photo, reviewer, reviewed from review")}
        newer = 0
        with photo_progress(0, sum(map(len, opinions.values())), "importing") as reach:
            for opinion, identities in opinions.items():
                older = [each for each in identities if latest.get((each, opinion.reviewer), "") <= opinion.at]
                newer += len(identities) - len(older)
                for some in batched((each for each in older if each in answered), BATCH, strict=False):
                    save(kept, some, opinion)
                reach(done := done + len(identities))
        where.settle()
    unanswered = len(found.said.keys() - answered)
    _say(found, unanswered)
    if newer:
        warn(f"{count(newer, 'photo has')} a newer opinion of the same reviewer, which stays")
    return Exit.SOME_FAILED if found.missing or unanswered else Exit.DONE


@dataclass(slots=True)
class _Matched:
    """The labels of a file, matched with the study's photos. `said`: what each reviewer says of each photo.

    `silent`: number of labels that say nothing. `missing`: paths that match no photo. `typed`: names of no known taxon.
    """

    said: dict[int, dict[str, list[Label]]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(list)))
    silent: int = 0
    missing: list[str] = field(default_factory=list)
    typed: Counter[str] = field(default_factory=Counter)

    def opinions(self, reviewer: str, time: datetime) -> Mapping[Opinion, Sequence[int]]:
        """Return the ids of the photos of each opinion. `reviewer`, `time`: for labels that do not give them."""
        same = defaultdict[Opinion, list[int]](list)
        for identity, by in self.said.items():
            for who, labels in by.items():
                at = max((_utc(each.at, time) for each in labels), default=time).isoformat(timespec="seconds")
                same[Opinion(who or reviewer, at, _merged(labels))].append(identity)
        return same


def _matched(labels: Iterable[Label], photos: StudyPhotos, reach: Callable[[int], None]) -> _Matched:
    """Match labels with photos.

    If two paths in the file may mean the same photo, the one that shares more names with its path counts.
    `reach`: called with the number of labels read, for the progress.
    """
    found, asked = _Matched(), list[tuple[Label, str, Sequence[int], int]]()
    for number, label in enumerate(labels, 1):
        reach(number)
        found.silent += not label.said
        if label.said:
            asked.append((label, "" if label.file else label.photo, *photos.of(label)))
    owners = nearest(each[1:] for each in asked)
    for label, path, identities, _ in asked:
        mine = [each for each in identities if owners.get(each) == path]
        for identity in mine:
            found.said[identity][label.reviewer].append(label)
        if not mine:
            found.missing.append(label.photo)
        found.typed.update(each.name for each in label.said if each.name and not each.scientific_name)
    return found


def _merged(labels: Sequence[Label]) -> tuple[Observation, ...]:
    """Return what the labels of one photo say together. Blank and unknown count only if no label names anything."""
    said = list(dict.fromkeys(each for label in labels for each in label.said))
    return tuple(each for each in said if each.kind not in ("blank", "unknown")) or (said[0],)


def _utc(text: str, otherwise: datetime) -> datetime:
    try:
        time = datetime.fromisoformat(text)
        return (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return otherwise


def _say(found: _Matched, unanswered: int) -> None:
    labelled = count(len(found.said) - unanswered, "photo has")
    warn(f"{labelled} labels now; the file says nothing of {count(found.silent, 'photo')}")
    if unanswered:
        text = count(unanswered, "labelled photo has")
        warn(f"{text} no answer, and cannot be read; mount their card, and import again")
    if typed := found.typed:
        warn(f"{count(len(typed), 'name is')} of no taxon that Faunalens knows, and kept as given: {listed(typed)}")
    warn_of_missing(found.missing)
