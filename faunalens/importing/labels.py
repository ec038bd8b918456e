"""Read what people say about photos in other programs' files: folders of animals, Timelapse's CSV, COCO, Camtrap DP."""

import csv
import io
import json
import re
import zipfile
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Set
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from operator import itemgetter
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from chalicelib.location import cell_of
from chalicelib.model.detector import Box
from faunalens.errors import CommandError
from faunalens.study.finding import COUNTED, OBSERVED, TYPED, Observation, of_taxon
from faunalens.study.photos import walk
from faunalens.taxa.names import KINDS, kind_called, meanings, taxon_called
from faunalens.taxa.taxa import ANIMALS

SEXES, AGES = meanings("sex"), meanings("age")
"""How people abbreviate sex and age, and what Camtrap DP calls them."""


def columns_of(of: str) -> dict[str, tuple[str, ...]]:
    """Return the names of columns in other programs, by meaning, the likeliest name first. `of`: see `meanings`."""
    names = meanings(of)
    return {what: tuple(name for name in names if names[name] == what) for what in dict.fromkeys(names.values())}


COLUMNS, PHOTO_COLUMNS = columns_of("column"), columns_of("photo column")
"""The columns about an animal, and those about its photo."""


class Label(NamedTuple):
    """What a file says about a photo.

    `photo`: the photo's path, as the file writes it. `said`: what the photo shows. `reviewer`, `at`: who said so, and
    when. `taken`: the camera's time. Times are ISO 8601; what the file does not say is empty. `file`: path of the photo
    itself, if it is on this machine. `camera`, `cell`: its deployment's name and H3 cell. `boxes`: around what is seen.
    """

    photo: str
    said: tuple[Observation, ...] = ()
    reviewer: str = ""
    at: str = ""
    taken: str = ""
    file: Path | None = None
    camera: str = ""
    cell: int | None = None
    boxes: tuple[Box, ...] = ()


def cell_at(latitude: float | str | None, longitude: float | str | None) -> int | None:
    """Return the H3 cell of a position, or None without one."""
    return None if latitude in (None, "") or longitude in (None, "") else cell_of(float(latitude), float(longitude))


def labels_in(path: Path, columns: Mapping[str, str] = MappingProxyType({})) -> Iterator[Label] | None:
    """Return the labels in a Camtrap DP, COCO JSON or a CSV of Timelapse; None if `path` is none of these.

    A photo has one or more labels; an empty one if the file says nothing of it. `columns`: the CSV's own names of
    columns, by the keys of `COLUMNS`. The iterator raises `CommandError` if the file is damaged.
    """
    if (root := _root_of(path)) is not None:
        return _of_package(path, root)
    if is_coco(path):
        return _of_coco(path)
    return _of_timelapse(path, columns) if _is_timelapse(path) else None


def folder_labels(path: Path) -> Iterator[Label]:
    """Yield a label for each photo in folders that are named by what their photos show.

    The label is the name of the innermost folder that is a taxon's or kind's, or else that of the photo's own folder.
    """
    for entry in walk(path):
        file = Path(entry)
        inner = file.relative_to(path).parts[-2::-1]
        name = next((each for each in inner if kind_called(each) or taxon_called(each)), next(iter(inner), ""))
        yield Label(file.relative_to(path).as_posix(), (called(name),) if name else (), file=file)


def observed(
    name: str, count: str = "", sex: str = "", life_stage: str = "", behavior: str = "", note: str = ""
) -> Observation:
    """Return what a row of a table says. `name`: an animal, a kind, or one of `YES` for an animal without a name.

    Counts, sexes and ages that Camtrap DP does not allow go into the note.
    """
    what, notes = called("" if name.casefold() in YES else name), [note.strip()]
    number = int(count) if count.strip().isdecimal() and len(count.strip()) < 7 and int(count) else None
    if what.kind != "animal":
        return replace(what, count=number if what.kind in ("human", "vehicle") else None, note=notes[0] or None)
    found_sex, found_age = SEXES.get(sex.strip().casefold()), AGES.get(life_stage.strip().casefold())
    for value, found, title in ((count, number, "count"), (sex, found_sex, "sex"), (life_stage, found_age, "age")):
        if found is None and value.strip() not in ("", "0"):
            notes.append(f"{title}: {value.strip()}")
    return replace(
        what,
        count=number,
        sex=found_sex,
        life_stage=found_age,
        behavior=behavior.strip() or None,
        note="; ".join(filter(None, notes)) or None,
    )


@cache
def called(name: str) -> Observation:
    """Return what a name means: a kind, a taxon that we know, or else an animal with the name as it was typed."""
    kind, taxon = kind_called(name) or "animal", taxon_called(name or "animal")
    if kind != "animal":
        return Observation(kind)
    return of_taxon(taxon, kind) if taxon else Observation(kind, " ".join(name.split()))


def rows_in(path: Path) -> Iterator[dict[str, str]]:
    """Yield the rows of a CSV, which may be in a zip, as values by column. Fields beyond the columns are left out."""
    with path.open("rb") as file, io.TextIOWrapper(file, encoding="utf-8-sig", newline="") as text:
        head = text.readline()
        delimiter = max(",;\t", key=head.count)
        columns = next(csv.reader([head], delimiter=delimiter), [])
        for values in csv.reader(text, delimiter=delimiter):
            if any(values):
                yield {name: value.strip() for name, value in zip(columns, values, strict=False)}


@contextmanager
def faults_of(path: Path) -> Iterator[None]:
    """Turn an error that the block raises while it reads the file into a `CommandError`."""
    try:
        yield
    except UnicodeDecodeError as error:
        raise CommandError(f"{path} is not UTF-8; save it as 'CSV UTF-8'") from error
    except (OSError, csv.Error, ValueError, KeyError, TypeError) as error:
        raise CommandError(f"{path} cannot be read ({type(error).__name__}: {error}); export it again") from error


YES = frozenset({"true", "yes", "1", "x"})
NO = frozenset({"false", "no", "0"})
NUMBERS = ("", *"123456789")


def _is_timelapse(path: Path) -> bool:
    """Return whether a file is a CSV with the two columns that every CSV of Timelapse has."""
    if not path.is_file() or path.suffix.lower() not in (".csv", ".txt", ".tsv"):
        return False
    with path.open("rb") as file:
        head = file.readline().decode("utf-8-sig", "replace")
    return {"file", "relativepath"} <= {plain(name) for name in re.split(r"[,;\t]", head)}


def _of_timelapse(path: Path, columns: Mapping[str, str]) -> Iterator[Label]:
    """Yield a label for each row of a CSV of Timelapse, empty if the row says nothing.

    Columns are known by the names in `COLUMNS`, alone or with a number for a photo's further animals (`Species2`,
    `Count2`), or say yes or no about a kind (`Empty`, `Person`). A photo that Timelapse has twice, for two animals, has
    two rows.
    """
    names = {what: ((plain(columns[what]),) if what in columns else ()) + known for what, known in COLUMNS.items()}
    with faults_of(path):
        for number, row in enumerate(rows_in(path)):
            fields = {plain(name): value for name, value in row.items()}
            animals = [
                {
                    what: first_of(fields, [name + digit for name in known], NO if what == "name" else frozenset())
                    for what, known in names.items()
                }
                for digit in NUMBERS
                if any(name + digit in fields for name in names["name"])
            ]
            kinds = _kinds(fields)
            if number == 0 and not animals and not kinds:
                raise CommandError(
                    f"{path} has no column for the animal, such as Species; say which it is with --column name=COLUMN"
                )
            said = [observed(**each) for each in animals if each["name"]]
            said = said or [observed(kind) for kind, says in kinds.items() if says]
            photo = f"{fields['relativepath'].replace('\\', '/').strip('/')}/{fields['file']}".lstrip("/")
            reviewer = first_of(fields, PHOTO_COLUMNS["reviewer"])
            yield Label(photo, tuple(said), reviewer, taken=fields.get("datetime", ""))


def first_of(fields: Mapping[str, str], columns: Iterable[str], but: Set[str] = frozenset()) -> str:
    """Return the first value in these columns that is neither empty nor, in lower case, one of `but`; else ""."""
    values = (fields.get(each, "") for each in columns)
    return next((value for value in values if value and value.casefold() not in but), "")


def _kinds(fields: Mapping[str, str]) -> dict[str, bool]:
    """Return whether a row says yes or no in each column that is named after a kind, such as `Person`, by column."""
    said = {name: fields[name].casefold() for name in fields if name in KINDS}
    return {name: word in YES for name, word in said.items() if word in YES | NO | {""}}


@cache
def plain(name: str) -> str:
    """Return the name of a column for comparisons: in lower case, without spaces and punctuation."""
    return re.sub(r"[\W_]", "", name.casefold())


CLASSIFIED_BY = "classified by Faunalens"
"""Part of the description of our own COCO files: in these, a machine made each annotation without a reviewer."""
_OF_COCO = re.compile(rb'"(file_name|image_id)"')


def is_coco(path: Path) -> bool:
    """Return whether a file is COCO JSON, by the keys in its first megabyte."""
    with suppress(OSError), path.open("rb") as file:
        return path.suffix.lower() == ".json" and _OF_COCO.search(file.read(1 << 20)) is not None
    return False


def _of_coco(path: Path) -> Iterator[Label]:
    """Yield a label for each category that people gave an image, or an empty label. Its count is its boxes' number."""
    with faults_of(path):
        about = json.loads(path.read_text(encoding="utf-8-sig"))
        is_ours = CLASSIFIED_BY in (about.get("info") or {}).get("description", "")
        kinds = about["categories"]  # for a typed name, the scientific name is ANIMALS
        names = {each["id"]: each.get("scientific_name", "").replace(ANIMALS, "") or each["name"] for each in kinds}
        said = defaultdict[Any, defaultdict[Any, list[Any]]](lambda: defaultdict(list))
        for each in about["annotations"]:
            if "reviewer" in each or not is_ours:
                said[each["image_id"]][each.get("reviewer", ""), names[each["category_id"]]].append(each)
        for image in about["images"]:
            label = Label(image["file_name"], taken=image.get("datetime") or "", camera=str(image.get("location", "")))
            wide, high = image.get("width", 1), image.get("height", 1)
            if image["id"] not in said:
                yield label
            for (reviewer, name), same in said[image["id"]].items():
                sides = [each["bbox"] for each in same if each.get("bbox")]  # in pixels
                boxes = tuple(Box(x / wide, y / high, w / wide, h / high, 1.0, "animal") for x, y, w, h in sides)
                what = replace(called(name.replace("_", " ")), count=len(boxes) or None)
                yield label._replace(said=(what,), reviewer=reviewer, boxes=boxes)


PACKAGE = "datapackage.json"
"""The description of a Camtrap DP 1.0."""


class _Events:
    """What people said about the events of a deployment, looked up by time."""

    def __init__(self, events: Iterable[tuple[datetime, datetime, Label]]) -> None:
        self._events = sorted(events, key=itemgetter(0))
        self._longest = max((end - start for start, end, _ in self._events), default=timedelta())

    def at(self, time: datetime) -> list[Label]:
        first = bisect_left(self._events, time - self._longest, key=itemgetter(0))
        last = bisect_right(self._events, time, key=itemgetter(0))
        return [said for _, end, said in self._events[first:last] if time <= end]


def package_folder(path: Path) -> Path | None:
    """Return the folder to which a Camtrap DP's media paths are relative (a zip's own folder); None for other files."""
    root = _root_of(path)
    return root if root is None or isinstance(root, Path) else path.parent


def _of_package(path: Path, root: Any) -> Iterator[Label]:
    """Yield labels for each medium of a Camtrap DP: what people said of it, or else of its event, or an empty label."""
    with faults_of(path):
        about = json.loads((root / PACKAGE).read_text(encoding="utf-8"))
        files = {each["name"]: root / each["path"] for each in about["resources"] if "path" in each}
        places = files.get("deployments")
        cells = {}
        for row in rows_in(places) if places and places.is_file() else ():
            with suppress(ValueError):  # a position that is missing or invalid: an import can do without one
                cells[row.get("deploymentID")] = cell_at(row.get("latitude"), row.get("longitude"))
        is_ours = any(each.get("title") == "Faunalens" for each in about.get("sources", ()))
        of_media, of_events = defaultdict[str, list[Label]](list), defaultdict[str, list[Any]](list)
        for row in rows_in(files["observations"]):
            if row.get("classificationMethod") == "machine" or row["observationType"] not in OBSERVED:
                continue
            if medium := row.get("mediaID"):
                of_media[medium].append(_said(row))
            elif not is_ours:  # our events only repeat what was said of media
                times = (datetime.fromisoformat(row[name]) for name in ("eventStart", "eventEnd"))
                of_events[row["deploymentID"]].append((*times, _said(row)))
        events = {deployment: _Events(each) for deployment, each in of_events.items()}
        for row in rows_in(files["media"]):
            time, where = datetime.fromisoformat(row["timestamp"]), events.get(row["deploymentID"])
            said = of_media.get(row["mediaID"]) or (where.at(time) if where else [])
            camera, cell = row["deploymentID"], cells.get(row["deploymentID"])
            for label in said or [Label("")]:
                yield label._replace(photo=_photo_of(row), taken=row["timestamp"], camera=camera, cell=cell)


def _root_of(path: Path) -> Any:
    """Return the folder of the Camtrap DP at or in `path`, which may be a zip; None if there is none."""
    root: Any = path.parent if path.name == PACKAGE else zipfile.Path(path) if zipfile.is_zipfile(path) else path
    folders = (root, *root.iterdir()) if root.is_dir() else ()
    return next((each for each in folders if (each / PACKAGE).is_file()), None)


def _photo_of(medium: Mapping[str, str]) -> str:
    address = urlsplit(medium["filePath"])
    return (medium.get("fileName") or unquote(address.path)) if "://" in medium["filePath"] else medium["filePath"]


def _said(row: Mapping[str, str]) -> Label:
    """Return what a person says in an observation, as a label without its photo."""
    comments = row.get("observationComments", "")  # in our own packages, may hold the name and the note
    typed, mark, note = comments.removeprefix(COUNTED).lstrip("; ").rpartition(TYPED)
    name, kind = typed if mark else row.get("scientificName", ""), row["observationType"]
    columns = ("count", "sex", "lifeStage", "behavior", "classifiedBy")
    count, sex, age, behavior, reviewer = (row.get(each, "") for each in columns)
    count = "" if comments.startswith(COUNTED) else count
    what = observed(name if kind == "animal" else kind, count, sex, age, behavior, note.lstrip("; "))
    return Label("", (what,), reviewer, row.get("classificationTimestamp", ""))
