"""Labels of Timelapse's CSV: a row a photo, with `File`, `RelativePath` and the columns of the project's own template.

What the template calls things is up to each project. Known are the names below, by themselves or with a number for
further animals of a photo (`Species2`, `Count2`), and columns that say yes or no about a kind (`Empty`, `Person`). A
photo that Timelapse has twice, for two animals, has two rows.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

from cli.errors import CommandError
from cli.importing.labels import Label, faults_of, observed, rows_in
from cli.importing.names import KINDS
from cli.study.opinions import Observation

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "name": ("scientificname", "species", "taxon", "commonname", "animal", "identification", "label"),
    "count": ("count", "number", "individuals", "groupsize", "howmany", "total"),
    "sex": ("sex", "gender"),
    "life_stage": ("lifestage", "age", "ageclass"),
    "behavior": ("behavior", "behaviour", "activity"),
    "note": ("note", "notes", "comment", "comments", "remarks"),
}
"""What the columns of templates are called, without spaces and capitals, the likeliest first."""
REVIEWER = ("reviewer", "observer", "analyst", "classifiedby", "identifiedby", "initials", "user")
YES = frozenset({"true", "yes", "1", "x"})
NO = frozenset({"false", "no", "0"})
NUMBERS = ("", *"123456789")


class Timelapse:
    """A CSV of Timelapse. `columns`: its own names for what `COLUMNS` has."""

    def __init__(self, columns: Mapping[str, str] = MappingProxyType({})) -> None:
        self._names = {
            what: ((plain(columns[what]),) if what in columns else ()) + known for what, known in COLUMNS.items()
        }

    def is_form_of(self, path: Path) -> bool:
        """Return whether it is a CSV with the two columns that every one of Timelapse has."""
        if not path.is_file() or path.suffix.lower() not in (".csv", ".txt", ".tsv"):
            return False
        with path.open("rb") as file:
            head = file.readline().decode("utf-8-sig", "replace")
        return {"file", "relativepath"} <= {plain(name) for name in re.split(r"[,;\t]", head)}

    def labels(self, path: Path) -> Iterator[Label]:
        """Yield a label for each row that says something."""
        with faults_of(path):
            for number, row in enumerate(rows_in(path)):
                fields = {plain(name): value for name, value in row.items()}
                if number == 0 and not self._animals(fields) and not _kinds(fields):
                    raise CommandError(
                        f"{path} has no column for the animal, such as Species; say which it is with "
                        "--column name=COLUMN"
                    )
                folder = fields["relativepath"].replace("\\", "/").strip("/")
                reviewer = next((fields[name] for name in REVIEWER if fields.get(name)), "")
                photo = f"{folder}/{fields['file']}".lstrip("/")
                yield Label(photo, tuple(self._said(fields)), reviewer, taken=fields.get("datetime", ""))

    def _said(self, fields: Mapping[str, str]) -> Iterator[Observation]:
        animals = self._animals(fields)
        for number, name in animals.items():
            rest = {what: self._value(fields, what, number) for what in COLUMNS if what != "name"}
            if name:
                yield observed("" if name.casefold() in YES else name, **rest)
        if not any(animals.values()):
            yield from (observed(kind) for kind, says in _kinds(fields).items() if says)

    def _animals(self, fields: Mapping[str, str]) -> dict[str, str]:
        """Return what each column for an animal's name says, by its number."""
        numbers = [each for each in NUMBERS if any(name + each in fields for name in self._names["name"])]
        return {number: self._value(fields, "name", number) for number in numbers}

    def _value(self, fields: Mapping[str, str], what: str, number: str) -> str:
        values = (fields.get(each + number, "") for each in self._names[what])
        return next((each for each in values if each and (what != "name" or each.casefold() not in NO)), "")


def _kinds(fields: Mapping[str, str]) -> dict[str, bool]:
    """Return what the columns say that have yes or no for a kind."""
    known = [name for name in fields if name in KINDS and fields[name].casefold() in YES | NO | {""}]
    return {name: fields[name].casefold() in YES for name in known}


@cache
def plain(name: str) -> str:
    return re.sub(r"[\W_]", "", name.casefold())
