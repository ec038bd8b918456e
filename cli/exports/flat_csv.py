"""One CSV file with a row for each photo, for spreadsheets and scripts."""

from pathlib import Path
from typing import Any

from cli.exports.camtrap_dp import FILE_TIME
from cli.exports.files import stamp, table
from cli.study.finding import fused
from cli.study.study import Study

COLUMNS = (
    *("path", "deployment", "time", "latitude", "longitude", "kind", "name", "scientific_name", "rank", "probability"),
    *("candidates", "method", "classified_by", "event", "event_photos", "event_kind", "event_scientific_name"),
    *("event_probability", "error", "detail"),
)


FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a text begins with that a spreadsheet takes for a formula, which may do anything. A folder may be named so."""


def write_csv(study: Study, path: Path) -> None:
    """Write the photos with an answer by deployment and time, then those without one."""
    with table(path, COLUMNS) as write_row:

        def write(row: dict[str, Any]) -> None:
            write_row({name: _inert(value) for name, value in row.items()})

        for number, event in enumerate(study.events(), 1):
            whole = fused([photo.finding for photo in event])
            for photo in event:
                finding, named, of_event = photo.finding, photo.finding.named, whole.named
                write(
                    {
                        "path": photo.path,
                        "deployment": photo.deployment,
                        "time": stamp(photo.time),
                        "latitude": photo.latitude,
                        "longitude": photo.longitude,
                        "kind": finding.kind,
                        "name": named and named.name,
                        "scientific_name": named and named.scientific_name,
                        "rank": named and named.rank,
                        "probability": round(named.score if named else finding.probability, 4),
                        "candidates": "; ".join(f"{each.name} {each.score:.4f}" for each in finding.candidates),
                        "method": "human" if finding.is_human else "machine",
                        "classified_by": finding.by,
                        "event": number,
                        "event_photos": len(event),
                        "event_kind": whole.kind,
                        "event_scientific_name": of_event and of_event.scientific_name,
                        "event_probability": round(of_event.score if of_event else whole.probability, 4),
                        "detail": "" if photo.timed else FILE_TIME,
                    }
                )
        for row in study.unanswered():
            write({"path": row["path"], "deployment": row["deployment"], "error": row["code"], "detail": row["detail"]})


def _inert(value: Any) -> Any:
    """Return a value that no spreadsheet computes."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value
