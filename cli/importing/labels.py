"""What files of other programs say about photos. A module beside this one reads each form, as labels."""

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import NamedTuple, Protocol

from cli.importing.names import kind_called, taxon_called
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
