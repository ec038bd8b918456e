"""Labels of a Camtrap DP: what people said about media and about events, in a folder or a zip."""

import json
import zipfile
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO, Any
from urllib.parse import unquote, urlsplit

from cli.importing.labels import Label, observed
from cli.importing.tables import faults_of, rows_in, value
from cli.study.opinions import KINDS, Observation

PACKAGE = "datapackage.json"

type _Said = list[tuple[Observation, str, str]]
"""Observations with their reviewers and times."""


class CamtrapDP:
    """A package of Camtrap DP 1.0. What machines said is left out."""

    def is_form_of(self, path: Path) -> bool:
        """Return whether it is a package: a folder or a zip with a datapackage.json, or that file."""
        if path.is_dir():
            return (path / PACKAGE).is_file()
        return path.name == PACKAGE or (zipfile.is_zipfile(path) and PACKAGE in _names(path))

    def labels(self, path: Path) -> Iterator[Label]:
        """Yield a label for each medium and reviewer. Media of which no person says anything have one without words.

        An observation of an event holds for its media that have none of their own.
        """
        where = path.parent if path.name == PACKAGE else path
        with faults_of(path):
            with _opened(where, PACKAGE) as file:
                resources = {each["name"]: each for each in json.load(file)["resources"]}
            of_media: dict[str, _Said] = defaultdict(list)
            of_events: dict[str, list[Mapping[str, str]]] = defaultdict(list)
            for row in _rows(where, resources, "observations"):
                if row.get("classificationMethod") == "machine" or row["observationType"] not in KINDS:
                    continue
                if row.get("mediaID"):
                    of_media[row["mediaID"]].append(_said(row))
                else:
                    of_events[row["deploymentID"]].append(row)
            for medium in _rows(where, resources, "media"):
                said = of_media.get(medium["mediaID"]) or [
                    _said(row) for row in of_events[medium["deploymentID"]] if _is_in(medium["timestamp"], row)
                ]
                yield from _labels_of(medium, said)


def _labels_of(medium: Mapping[str, str], said: _Said) -> Iterator[Label]:
    address = urlsplit(medium["filePath"])
    photo = medium["filePath"] if not address.scheme else value(medium, "fileName") or unquote(address.path)
    if not said:
        yield Label(photo, taken=medium["timestamp"])
    for reviewer in dict.fromkeys(who for _, who, _ in said):
        mine = [(what, at) for what, who, at in said if who == reviewer]
        yield Label(photo, tuple(what for what, _ in mine), reviewer, max(at for _, at in mine), medium["timestamp"])


def _said(row: Mapping[str, str]) -> tuple[Observation, str, str]:
    kind = row["observationType"]
    name = row.get("scientificName", "") if kind == "animal" else kind
    details = (row.get(each, "") for each in ("count", "sex", "lifeStage", "behavior", "observationComments"))
    return observed(name, *details), row.get("classifiedBy", ""), row.get("classificationTimestamp", "")


def _is_in(time: str, event: Mapping[str, str]) -> bool:
    return _moment(event["eventStart"]) <= _moment(time) <= _moment(event["eventEnd"])


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _rows(where: Path, resources: Mapping[str, Any], name: str) -> Iterator[dict[str, str]]:
    with _opened(where, resources[name]["path"]) as file:
        yield from rows_in(file)


@contextmanager
def _opened(where: Path, name: str) -> Iterator[IO[bytes]]:
    """Open a file of the package."""
    if where.is_dir():
        with (where / name).open("rb") as file:
            yield file
        return
    with zipfile.ZipFile(where) as package, package.open(name) as member:
        yield member


def _names(path: Path) -> list[str]:
    with zipfile.ZipFile(path) as package:
        return package.namelist()
