"""COCO Camera Traps: one JSON file with images, their sequences and their labels."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from chalicelib.config import VERSION
from faunalens.exports.camtrap_dp import event_id, observation_id
from faunalens.exports.description import Description
from faunalens.exports.files import clock, write_lists
from faunalens.importing.labels import CLASSIFIED_BY
from faunalens.study.deployments import corrected
from faunalens.study.finding import Finding
from faunalens.study.study import Study
from faunalens.study.video import is_video
from faunalens.taxa.taxa import ANIMALS, Key, key_of, labels_of
from faunalens.terminal import warn
from faunalens.words import count

EMPTY: Key = ("empty", "")
"""Category 0, for photos that show nothing."""


def write_coco(study: Study, path: Path, about: Description) -> None:
    """Write all photos of a study to a JSON file. Photos that cannot be read are marked as corrupt."""
    labels = labels_of(_key(part) for photo in study.photos() for part in _labelled(photo.finding))
    labels = {EMPTY: EMPTY[0]} | labels
    ids = {key: number for number, key in enumerate(labels)}
    today = datetime.now(UTC)
    head = {
        "info": {
            "version": "1.0",
            "description": f"{about.title}, {CLASSIFIED_BY} {VERSION}",
            "year": today.year,
            "contributor": ", ".join(each["title"] for each in about.contributors),
            "date_created": f"{today:%Y-%m-%d}",
        },
        "categories": [
            {"id": ids[key], "name": label.lower().replace(" ", "_"), **({"scientific_name": key[1]} if key[1] else {})}
            for key, label in labels.items()
        ],
    }
    write_lists(path, head, {"images": _images(study), "annotations": _annotations(study, ids)})


def _images(study: Study) -> Iterator[dict[str, Any]]:
    films = 0
    for event in study.events():
        photos = [photo for photo in event if photo.clip is None]
        films += len(event) - len(photos)
        for number, photo in enumerate(photos):
            yield {
                "id": photo.path,
                "file_name": photo.path,
                "width": photo.width,
                "height": photo.height,
                **clock(photo.time),
                "location": photo.deployment,
                "seq_id": event_id(event),
                "seq_num_frames": len(photos),
                "frame_num": number,
            }
    if films:
        warn(f"{count(films, 'video is')} left out, because COCO Camera Traps has only photos")
    for row in (row for row in study.unanswered() if not is_video(row["path"])):
        yield {
            "id": row["path"],
            "file_name": row["path"],
            "corrupt": True,
            "location": row["deployment"] or row["path"].rpartition("/")[0] or "photos",
            **clock(corrected(row["taken"], row["shift"]) if row["taken"] else None),
            **({"width": row["width"], "height": row["height"]} if row["width"] else {}),
        }


def _annotations(study: Study, ids: dict[Key, int]) -> Iterator[dict[str, Any]]:
    for photo in (photo for photo in study.photos() if photo.clip is None):
        for number, part in enumerate(_labelled(photo.finding), 1):
            box = part.box
            yield {
                "id": observation_id(photo, number),
                "image_id": photo.path,
                "category_id": ids[_key(part)],
                "sequence_level_annotation": False,
                **({"reviewer": part.by} if part.is_human else {}),
                **({"bbox_relative": [box.x, box.y, box.width, box.height]} if box else {}),
            }


def _labelled(finding: Finding) -> list[Finding]:
    """Return the parts of a finding to label. COCO cannot express doubt, so an animal without a name gets no label."""
    return [
        part for part in finding.each if part.kind != "unknown" and not (part.named and part.named.line == (ANIMALS,))
    ]


def _key(finding: Finding) -> Key:
    """Return the category of a finding: its name, in lower case as the format encourages, and scientific name."""
    if finding.kind == "blank":
        return EMPTY
    name, latin = key_of(finding.named) if finding.named else (finding.kind, "")
    return name.lower(), latin
