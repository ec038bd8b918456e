"""Labels of a Camtrap DP: what people said about media and about events, in a folder or a zip."""

import json
import zipfile
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from cli.importing.labels import Label, faults_of, observed, rows_in
from cli.study.opinions import KINDS, TYPED, Observation

PACKAGE = "datapackage.json"


class _Said(NamedTuple):
    what: Observation
    reviewer: str
    at: str


class _Events:
    """What was said about the events of a deployment, each with its begin and its end."""

    def __init__(self, events: Iterable[tuple[datetime, datetime, _Said]]) -> None:
        self._events = sorted(events, key=itemgetter(0))
        self._longest = max((end - start for start, end, _ in self._events), default=timedelta())

    def at(self, time: datetime) -> list[_Said]:
        first = bisect_left(self._events, time - self._longest, key=itemgetter(0))
        last = bisect_right(self._events, time, key=itemgetter(0))
        return [said for _, end, said in self._events[first:last] if time <= end]


class CamtrapDP:
    """A package of Camtrap DP 1.0. What machines said is left out."""

    def is_form_of(self, path: Path) -> bool:
        """Return whether it is a package: a folder or a zip with a datapackage.json, or that file."""
        return _root_of(path) is not None

    def labels(self, path: Path) -> Iterator[Label]:
        """Yield a label for each medium and reviewer. Media of which no person says anything have one without words.

        An observation of an event holds for its media that have none of their own.
        """
        root = _root_of(path)
        with faults_of(path):
            about = json.loads((root / PACKAGE).read_text(encoding="utf-8"))
            files = {each["name"]: root / each["path"] for each in about["resources"]}
            is_ours = any(each.get("title") == "Faunalens" for each in about.get("sources", ()))
            of_media, of_events = defaultdict[str, list[_Said]](list), defaultdict[str, list[Any]](list)
            for row in rows_in(files["observations"]):
                if row.get("classificationMethod") == "machine" or row["observationType"] not in KINDS:
                    continue
                if medium := row.get("mediaID"):
                    of_media[medium].append(_said(row))
                elif not is_ours:  # our events only repeat what was said of media
                    times = (datetime.fromisoformat(row[name]) for name in ("eventStart", "eventEnd"))
                    of_events[row["deploymentID"]].append((*times, _said(row)))
            events = {deployment: _Events(each) for deployment, each in of_events.items()}
            for row in rows_in(files["media"]):
                time, where = datetime.fromisoformat(row["timestamp"]), events.get(row["deploymentID"])
                yield from _labels_of(row, of_media.get(row["mediaID"]) or (where.at(time) if where else []))

    def places(self, path: Path) -> dict[str, tuple[str, str, str]]:
        """Return the deployment of each medium, by the path that its labels have, with latitude and longitude."""
        root = _root_of(path)
        with faults_of(path):
            about = json.loads((root / PACKAGE).read_text(encoding="utf-8"))
            files = {each["name"]: root / each["path"] for each in about["resources"]}
            at = {row["deploymentID"]: (row["latitude"], row["longitude"]) for row in rows_in(files["deployments"])}
            media = rows_in(files["media"])
            return {_photo_of(row): (row["deploymentID"], *at.get(row["deploymentID"], ("", ""))) for row in media}

    @staticmethod
    def folder_of(path: Path) -> Path:
        """Return the folder below which a package names its media; beside a zip, which need not have any."""
        root = _root_of(path)
        return root if isinstance(root, Path) else path.parent


def _root_of(path: Path) -> Any:
    """Return the folder of a package, also within a zip or another folder; None if there is none."""
    root: Any = path.parent if path.name == PACKAGE else zipfile.Path(path) if zipfile.is_zipfile(path) else path
    folders = (root, *root.iterdir()) if root.is_dir() else ()
    return next((each for each in folders if (each / PACKAGE).is_file()), None)


def _labels_of(medium: Mapping[str, str], said: list[_Said]) -> Iterator[Label]:
    photo = _photo_of(medium)
    if not said:
        yield Label(photo, taken=medium["timestamp"])
    for reviewer in dict.fromkeys(each.reviewer for each in said):
        mine = [each for each in said if each.reviewer == reviewer]
        at = max(each.at for each in mine)
        yield Label(photo, tuple(each.what for each in mine), reviewer, at, medium["timestamp"])


def _photo_of(medium: Mapping[str, str]) -> str:
    address = urlsplit(medium["filePath"])
    return (medium.get("fileName") or unquote(address.path)) if "://" in medium["filePath"] else medium["filePath"]


def _said(row: Mapping[str, str]) -> _Said:
    typed, mark, note = row.get("observationComments", "").rpartition(TYPED)  # as our own packages have names
    name, kind = typed if mark else row.get("scientificName", ""), row["observationType"]
    columns = ("count", "sex", "lifeStage", "behavior", "classifiedBy")
    count, sex, age, behavior, reviewer = (row.get(each, "") for each in columns)
    what = observed(name if kind == "animal" else kind, count, sex, age, behavior, note.lstrip("; "))
    return _Said(what, reviewer, row.get("classificationTimestamp", ""))
