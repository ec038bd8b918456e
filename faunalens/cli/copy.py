"""`faunalens copy`: photos sorted into folders by what they show, with people blurred."""

import os
import re
import shutil
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Literal

from faunalens.cli import options
from faunalens.cli.options import argument, option
from faunalens.errors import CommandError, Exit
from faunalens.exports.blur import blurred
from faunalens.exports.copies import TABLE, Copies, Copy, PhotoGone, safe
from faunalens.exports.xmp import EMPTY, WORDS, caption, inside, packet
from faunalens.study.finding import Box, Finding
from faunalens.study.results import ResultsFile
from faunalens.study.study import Study, StudyPhoto
from faunalens.terminal import photo_progress, warn
from faunalens.words import count

JPEG = (".jpg", ".jpeg")
KEYS = ("taxon", "station", "event")


def parse_keys(text: str) -> tuple[str, ...]:
    """Parse the value of --by: what each level of folders stands for, such as `station,taxon`. Raises `ValueError`."""
    keys = tuple(each.strip() for each in text.split(","))
    if not set(keys) <= set(KEYS) or len(set(keys)) < len(keys):
        raise ValueError(f"'{text}' is not a list of folder levels; expected one or more of {', '.join(KEYS)}")
    return keys


@options.command(short_help="Sort the photos into folders, with people blurred.")
def copy(
    results: Path = options.RESULTS,
    folder: Path = argument(options.FOLDER),
    by: tuple[str, ...] = option(
        "What each folder is for: a taxon, station or event; or nested folders, such as station,taxon.",
        options.Parsed("keys", parse_keys),
        default="taxon",
        metavar="KEYS",
    ),
    how: Literal["link", "copy"] = option(
        "link: a second name of the same file, which takes no space; a change to one changes both. Where the disk has "
        "no links, photos are copied.",
        default="link",
    ),
    people: Literal["blur", "skip", "keep"] = option(
        "What to do with photos of people. blur: blur the people in a new JPEG without GPS, or the whole photo if "
        "`identify` ran without --boxes. skip: leave these photos out.",
        default="blur",
    ),
    xmp: Literal["beside", "inside"] | None = option(
        "Add keywords, captions and boxes of animals. beside: in IMG_1.JPG.xmp, for digiKam and darktable. inside: in "
        "the JPEG, for Lightroom and digiKam; such JPEGs are copied, not linked."
    ),
    force: bool = option("Overwrite files in FOLDER that this command did not make, or that changed since."),
    event_gap: int = options.EVENT_GAP,
    file_times: bool = options.FILE_TIMES,
) -> int:
    """Sort the photos in RESULTS into folders below FOLDER, named by what they show, with empty photos apart.

    A photo of two species is in the folders of both. Originals stay as they are. copied.csv says what went where.

    Run it again after a review, or with other options: copies that are in the right folder stay, the others are moved,
    and files that this command did not make are left alone.
    """
    with ResultsFile(results, write=False) as kept:
        study, _ = options.StudyOptions(None, event_gap, 0.0, file_times).open(kept)
        source = Path(study.folder)
        if folder.absolute().is_relative_to(source) or folder.resolve().is_relative_to(source.resolve()):
            why = f"{folder} is in the study's folder {source}, where `faunalens identify` would find the copies"
            raise CommandError(f"{why}; choose another folder")
        stations = {row["deploymentID"]: row for row in kept.deployments()}
        total, left, films = kept.counts().done - kept.number("copies"), 0, 0
        copies = Copies(folder, source, force=force)
        with photo_progress(0, total, "copying") as reach:
            copied = {row.path for row in copies.rows.values()}
            if copied and not any(row["path"] in copied for row in kept.rows("select path from photo")):
                raise CommandError(f"{folder} has the copies of another study; choose another folder")
            for number, (photo, new_folders) in enumerate(placed(study, by, stations), 1):
                reach(number)
                shows_people = people != "keep" and photo.finding.shows_people
                if shows_people and (people == "skip" or photo.clip):
                    left += 1
                    films += photo.clip is not None
                    continue
                for each in new_folders:
                    _put(copies, each, photo, source / photo.path, how=how, xmp=xmp, blur=shows_people)
            copies.finish()
        (unboxed,) = next(kept.rows(_UNBOXED))
    _say(copies, left, films)
    if unboxed and people != "keep":
        said = f"{count(unboxed, 'photo was')} identified without --boxes"
        warn(f"{said}: a person beside an animal is not noticed there")
    return Exit.SOME_FAILED if copies.counts["gone"] else Exit.DONE


_UNBOXED = "select count(*) from photo where answer is not null and answer ->> '$.animals' is null"
SAID = {
    "link": "linked",
    "copy": "copied",
    "blurred": "copied with people blurred",
    "blurred whole": "blurred whole, because people have no boxes (see --boxes of `identify`)",
    "keywords": "sidecars written",
    "there": "there already",
    "deleted": "deleted, as they belong elsewhere now",
    "changed": "changed by others since, and left alone (--force overwrites them)",
    "gone": "missing, because the photo cannot be read any more",
}
"""What the command prints after a number of files, by the number's key in `Copies.counts`."""


def _say(copies: Copies, left: int, films: int) -> None:
    said = [f"{copies.counts[key]:,} {words}" for key, words in SAID.items() if copies.counts[key]]
    warn(f"{copies.folder}: {'; '.join(said) or 'no photos'}; {TABLE} says what went where")
    if left:
        videos = f"; {count(films, 'video')} among them, since videos are never blurred" if films else ""
        warn(f"{count(left, 'photo is')} left out, because people are there{videos}")


def placed(
    study: Study, by: Sequence[str], stations: Mapping[str, Mapping[str, str]]
) -> Iterator[tuple[StudyPhoto, list[str]]]:
    """Yield each photo with the folders that it goes into. `by`: see `parse_keys`.

    `stations`: the rows of the table of deployments, by deployment id.
    """
    for event in study.events():
        first, deployment = event[0], _plain(event[0].deployment)
        time = f"{first.time:%Y-%m-%d %H.%M.%S}" if first.time else Path(first.path).stem
        fields = stations.get(first.deployment, {})
        station = fields.get("locationName") or fields.get("locationID") or deployment
        names = {"station": station, "event": f"{deployment} {time}"}
        is_empty = all(photo.finding.kind == "blank" for photo in event)
        for photo in event:
            captions = dict.fromkeys(map(caption, _narrowest(photo.finding))) if "taxon" in by else [""]
            apart = "taxon" not in by and (is_empty if "event" in by else photo.finding.kind == "blank")
            parts = [[EMPTY] * apart + [names.get(key, each) for key in by] for each in captions]
            yield photo, ["/".join(map(safe, each)) for each in parts]


def _narrowest(finding: Finding) -> Iterator[Finding]:
    """Yield what a photo shows, without a taxon that includes another one there: no `deer` beside a `red deer`."""
    lines = [part.named.line for part in finding.each if part.named]
    for part in finding.each:
        line = part.named.line if part.named else ()
        if not line or not any(line == other[: len(line)] != other for other in lines):
            yield part


def _plain(deployment: str) -> str:
    """Return a deployment's id, without the place that follows ` @ ` if it has no row in the table."""
    return deployment.partition(" @ ")[0]


def people_in(finding: Finding) -> tuple[Box, ...]:
    """Return the boxes of all people in a photo. If one of them has no box, and so may be anywhere, return no box."""
    people = [part for part in (*finding.each, *finding.faint, *finding.people) if part.kind == "human"]
    boxes = tuple(part.box for part in people if part.box)
    said = max((part.count or 1 for part in people if part.is_human), default=0)
    return boxes if len(boxes) >= said else ()


def _put(
    copies: Copies, folder: str, photo: StudyPhoto, source: Path, *, how: str, xmp: str | None, blur: bool
) -> None:
    suffix = re.sub(r"[^.\w]", "_", source.suffix)
    if blur and suffix.lower() not in JPEG:
        suffix = ".jpg"
    stem = f"{safe(_plain(photo.deployment), 60)}_{safe(source.stem)}"
    boxes, keywords = people_in(photo.finding), packet(photo) if xmp else ""
    written = keywords if xmp == "inside" and suffix.lower() in JPEG else ""
    if blur:
        how = "blurred" if boxes else "blurred whole"
    elif written:
        how = "copy"
    parts, path = photo.finding.each, copies.place(photo.path, folder, stem, suffix)
    kinds = [each.kind for each in parts]
    names = [each.named.name if each.named else WORDS.get(each.kind, "") for each in parts]
    latin = [each.named.scientific_name for each in parts if each.named]
    kind, name, latins = (" | ".join(dict.fromkeys(words)) for words in (kinds, names, latin))
    mark = _mark(boxes if blur else (), written)
    wanted = Copy(photo.path, path, kind, name, latins, photo.finding.by, how, mark=mark)
    if copies.put(wanted, partial(_write, source, how, boxes, written)) and keywords and not written:
        sidecar = wanted._replace(new_path=f"{wanted.new_path}.xmp", how="keywords", mark=_mark(keywords))
        copies.put(sidecar, partial(_write, source, "keywords", (), keywords))


def _mark(*made_from: object) -> str:
    return f"{zlib.crc32(repr(made_from).encode()):08x}" if any(made_from) else ""


def _write(source: Path, how: str, boxes: Sequence[Box], keywords: str, target: Path) -> str:
    """Write a copy, or a sidecar if `how` is `keywords`. Return how it was made in the end; see `Copy`."""
    if how == "keywords":
        target.write_text(keywords, encoding="utf-8")
        return how
    if not source.is_file():
        raise PhotoGone
    if how == "link":
        with suppress(OSError):  # another disk, or one without links
            os.link(source.resolve(), target)
            return how
    if not how.startswith("blurred") and not keywords:
        shutil.copy2(source, target)
        return "copy"
    data = blurred(source, boxes) if how.startswith("blurred") else source.read_bytes()
    if data is None:
        raise PhotoGone
    target.write_bytes(inside(data, keywords) if keywords else data)
    return how
