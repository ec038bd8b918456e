"""What files of other programs say about photos. A module beside this one reads each form, as labels.

Here are folders by animal, the form that needs no file, and what tables of all forms share.
"""

import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import NamedTuple, Protocol

from cli.errors import CommandError
from cli.importing.names import kind_called, taxon_called
from cli.photos import walk
from cli.study.opinions import Observation, of_taxon

SEXES = {"f": "female", "female": "female", "m": "male", "male": "male"}
AGES = {
    **dict.fromkeys(("adult", "ad", "a"), "adult"),
    **dict.fromkeys(("subadult", "sub adult", "sub-adult", "sa", "yearling", "immature"), "subadult"),
    **dict.fromkeys(("juvenile", "juv", "j", "young", "cub", "fawn", "calf", "pup", "kitten", "chick"), "juvenile"),
}
"""How people abbreviate sex and age, and what Camtrap DP calls them."""


class Label(NamedTuple):
    """What a file says about a photo.

    `photo`: its path there. `said`: by a person. `reviewer`, `at`: who and when; empty if the file does not say.
    `taken`: the camera's time; empty likewise. Times are ISO 8601. `file`: the photo itself, if it is there.
    """

    photo: str
    said: tuple[Observation, ...] = ()
    reviewer: str = ""
    at: str = ""
    taken: str = ""
    file: Path | None = None


class Form(Protocol):
    """A form of file: how to know it, and its labels. One that cannot be read raises `CommandError`."""

    def is_form_of(self, path: Path) -> bool:
        """Return whether a file or a folder is in this form."""

    def labels(self, path: Path) -> Iterator[Label]:
        """Yield the labels, one or more for each photo. Photos of which it says nothing may be missing."""


class Folders:
    """Folders that are named by what their photos show, below each other or below those of stations."""

    def is_form_of(self, path: Path) -> bool:
        """Return whether it is a folder."""
        return path.is_dir()

    def labels(self, path: Path) -> Iterator[Label]:
        """Yield a label for each photo: the innermost folder that is called like a taxon or a kind, or else any."""
        for entry in walk(path):
            file = Path(entry)
            inner = file.relative_to(path).parts[-2::-1]
            name = next((each for each in inner if kind_called(each) or taxon_called(each)), next(iter(inner), ""))
            yield Label(file.relative_to(path).as_posix(), (called(name),) if name else (), file=file)


def observed(
    name: str, count: str = "", sex: str = "", life_stage: str = "", behavior: str = "", note: str = ""
) -> Observation:
    """Return what a row says. `name`: of an animal or a kind. What is no value of Camtrap DP goes into the note."""
    what, notes = called(name), [note.strip()]
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
    """Return the observation of a name: a kind, a taxon at hand, or an animal with the name as it was typed."""
    kind, taxon = kind_called(name) or "animal", taxon_called(name or "animal")
    if kind != "animal":
        return Observation(kind)
    return of_taxon(taxon, kind) if taxon else Observation(kind, " ".join(name.split()))


def rows_in(path: Path) -> Iterator[dict[str, str]]:
    """Yield the rows of a table by column, also of one in a zip. Fields beyond the columns are left out."""
    with path.open("rb") as file, io.TextIOWrapper(file, encoding="utf-8-sig", newline="") as text:
        head = text.readline()
        delimiter = max(",;\t", key=head.count)
        columns = next(csv.reader([head], delimiter=delimiter), [])
        for values in csv.reader(text, delimiter=delimiter):
            if any(values):
                yield {name: value.strip() for name, value in zip(columns, values, strict=False)}


@contextmanager
def faults_of(path: Path) -> Iterator[None]:
    """Name the file in what is wrong with it, as `CommandError`."""
    try:
        yield
    except UnicodeDecodeError as error:
        raise CommandError(f"{path} is not UTF-8; save it as 'CSV UTF-8'") from error
    except (OSError, csv.Error, ValueError, KeyError, TypeError) as error:
        raise CommandError(f"{path} cannot be read ({type(error).__name__}: {error}); export it again") from error
