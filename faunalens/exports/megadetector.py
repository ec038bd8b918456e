"""MegaDetector's batch output, format 1.5, which Timelapse and its companions read.

Without boxes, an answer says what a whole photo shows. So a photo with an animal has one detection, the whole frame,
whose confidence is the probability that there is an animal.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from chalicelib.config import VERSION
from faunalens.exports.files import clock, write_lists
from faunalens.study.finding import WHOLE, Finding
from faunalens.study.results import now
from faunalens.study.study import Study
from faunalens.study.video import is_video
from faunalens.taxa.taxa import Key, ScoredTaxon, key_of, labels_of, lineage_of

DETECTIONS = {"1": "animal", "2": "person", "3": "vehicle"}
_CATEGORY = {"animal": "1", "human": "2", "vehicle": "3"}


def write_megadetector(study: Study, path: Path, least: float) -> None:
    """Write a study as MegaDetector's JSON; unreadable photos are failures. `least`: the least confidence to write."""
    found = (each for photo in study.photos() for part in _shown(photo.finding, least) for each in _classes(part))
    labels = labels_of(map(key_of, found))
    ids = {key: str(number) for number, key in enumerate(labels)}
    models = sorted({photo.finding.by for photo in study.photos() if not photo.finding.is_human})
    head = {
        "info": {
            "format_version": "1.5",
            "detector": "faunalens; without boxes, a detection is the whole frame",
            "classifier": "; ".join(models) or f"faunalens {VERSION}",
            "classification_completion_time": now()[:19].replace("T", " "),
        },
        "detection_categories": DETECTIONS,
        "classification_categories": {ids[key]: label for key, label in labels.items()},
        "classification_category_descriptions": {ids[key]: _description(key[1]) for key in labels},
    }
    write_lists(path, head, {"images": _images(study, ids, least)})


def _images(study: Study, ids: dict[Key, str], least: float) -> Iterator[dict[str, Any]]:
    for photo in study.photos():
        detections = [_detection(part, ids) for part in _shown(photo.finding, least)]
        clip = photo.clip
        film = {"frame_rate": clip.fps, "frames_processed": list(clip.processed)} if clip else {}
        yield {
            "file": photo.path,
            **film,
            "max_detection_conf": max((each["conf"] for each in detections), default=0.0),
            "detections": detections,
            **({"reviewer": photo.finding.by} if photo.finding.is_human else {}),
            **clock(photo.time),
            "location": photo.deployment,
        }
    for row in study.unanswered():
        # The format's validator demands a frame rate above 0 even for a video that cannot be read.
        film = {"frame_rate": 1.0, "frames_processed": []} if is_video(row["path"]) else {}
        yield {"file": row["path"], **film, "failure": row["detail"], "detections": None}


def _shown(finding: Finding, least: float) -> list[Finding]:
    """Return the parts of a finding to export: all that people named, and all with a probability of `least` or more."""
    parts = (*finding.each, *finding.faint)
    return [part for part in parts if part.kind in _CATEGORY and (part.probability >= least or part.is_human)]


def _detection(finding: Finding, ids: dict[Key, str]) -> dict[str, Any]:
    box = finding.box or WHOLE
    detection: dict[str, Any] = {
        "category": _CATEGORY[finding.kind],
        "conf": float(round(finding.probability, 4)),
        "bbox": [box.x, box.y, box.width, box.height],
    }
    if finding.clip:
        detection["frame_number"] = finding.clip.frame
    if classes := _classes(finding):
        detection["classifications"] = [[ids[key_of(each)], float(each.score)] for each in classes]
    return detection


def _classes(finding: Finding) -> tuple[ScoredTaxon, ...]:
    """Return the classifications of an animal: its candidates, or only its name if it is wider or a person's."""
    if finding.kind != "animal" or finding.named is None:
        return ()
    is_likeliest = finding.candidates and finding.named.name == finding.candidates[0].name
    return finding.candidates if is_likeliest and not finding.is_human else (finding.named,)


def _description(scientific_name: str) -> str:
    """Return a taxon as SpeciesNet describes it: its lineage and its scientific name, separated by semicolons."""
    ranks = lineage_of(scientific_name).ranks
    above = [ranks.get(rank, "") for rank in ("phylum", "class", "order", "family")]
    return ";".join(("animalia", *above, scientific_name)).lower()
