"""One CSV file with a row for each photo, for spreadsheets and scripts."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from faunalens.exports.camtrap_dp import FILE_TIME
from faunalens.exports.files import inert, stamp, table
from faunalens.study.event import found_in
from faunalens.study.finding import Finding
from faunalens.study.study import Study, StudyPhoto


class _Row(NamedTuple):
    """A photo with an answer, and its event: the event's number, how many photos the event has, and what it shows."""

    photo: StudyPhoto
    event: int
    event_photos: int
    whole: tuple[Finding, ...]


def _said(row: _Row, value: Callable[[Finding], Any]) -> str:
    """Return what `value` gives for a photo's finding; if a person saw several things, the value of each, joined."""
    finding = row.photo.finding
    return " | ".join(str(value(part) or "") for part in (finding.each if finding.is_human else (finding,)))


COLUMNS: Mapping[str, Callable[[_Row], Any]] = {
    "path": lambda row: row.photo.path,
    "deployment": lambda row: row.photo.deployment,
    "time": lambda row: stamp(row.photo.time),
    "latitude": lambda row: row.photo.latitude,
    "longitude": lambda row: row.photo.longitude,
    "kind": lambda row: _said(row, lambda part: part.kind),
    "name": lambda row: _said(row, lambda part: part.named and part.named.name),
    "scientific_name": lambda row: _said(row, lambda part: part.named and part.named.scientific_name),
    "rank": lambda row: _said(row, lambda part: part.named and part.named.rank),
    "count": lambda row: _said(row, lambda part: part.count),
    "sex": lambda row: _said(row, lambda part: part.said.sex),
    "life_stage": lambda row: _said(row, lambda part: part.said.life_stage),
    "behavior": lambda row: _said(row, lambda part: part.said.behavior),
    "note": lambda row: _said(row, lambda part: part.said.note),
    "probability": lambda row: round(row.photo.finding.sureness, 4),
    "sure": lambda row: row.photo.finding.named and row.photo.finding.named.sure,
    "perhaps": lambda row: " | ".join(each.name for each in row.photo.finding.perhaps),
    "perhaps_scientific": lambda row: " | ".join(each.scientific_name for each in row.photo.finding.perhaps),
    "candidates": lambda row: "; ".join(f"{each.name} {each.score:.4f}" for each in row.photo.finding.candidates),
    "differs": lambda row: " | ".join(map(str, row.photo.finding.differing)),
    "method": lambda row: row.photo.finding.method,
    "classified_by": lambda row: row.photo.finding.by,
    "event": lambda row: row.event,
    "event_photos": lambda row: row.event_photos,
    "event_kind": lambda row: " | ".join(each.kind for each in row.whole),
    "event_scientific_name": lambda row: " | ".join(each.named.scientific_name for each in row.whole if each.named),
    "event_probability": lambda row: " | ".join(f"{each.sureness:.4g}" for each in row.whole),
    "event_count": lambda row: " | ".join(str(each.count or "") for each in row.whole),
    "event_sex": lambda row: " | ".join(each.said.sex or "" for each in row.whole),
    "event_life_stage": lambda row: " | ".join(each.said.life_stage or "" for each in row.whole),
    "duration": lambda row: row.photo.clip and row.photo.clip.duration,
    "frame": lambda row: row.photo.clip and row.photo.clip.frame,
    "frame_seconds": lambda row: row.photo.clip and row.photo.clip.seconds,
    "error": lambda _: "",
    "detail": lambda row: "" if row.photo.timed else FILE_TIME if row.photo.time else "EXIF has no time",
}
"""Each column, in order, and its value for a photo with an answer."""


def write_csv(study: Study, path: Path) -> None:
    """Write a study as CSV: the photos with an answer by deployment and time, then the photos without one."""
    with table(path, tuple(COLUMNS)) as write:
        for number, event in enumerate(study.events(), 1):
            whole = found_in([photo.finding for photo in event], by_traits=True)
            for photo in event:
                row = _Row(photo, number, len(event), whole)
                write({name: inert(value(row)) for name, value in COLUMNS.items()})
        for unanswered in study.unanswered():
            fields = {"path": "path", "deployment": "deployment", "error": "code", "detail": "detail"}
            write({name: inert(unanswered[field]) for name, field in fields.items()})
