"""Darwin Core Archive: a zip with the animals as occurrences, their photos, their candidates and EML metadata.

Each photo of an animal, or each box around one, is an occurrence, as in Camtrap DP; `eventID` says which photos are one
event. People, vehicles and empty photos are left out.
"""

import csv
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any
from uuid import uuid4
from xml.etree import ElementTree
from zipfile import ZIP_DEFLATED, ZipFile

from faunalens.exports.camtrap_dp import event_id, observation_id
from faunalens.exports.description import Description
from faunalens.exports.files import stamp, whole
from faunalens.study.finding import Finding
from faunalens.study.photos import media_type
from faunalens.study.study import Study, StudyPhoto, box_around
from faunalens.taxa.taxa import ScoredTaxon, lineage_of, taxon_rank
from faunalens.words import filled

META, EML = (Path(__file__).with_name(name) for name in ("meta.xml", "eml.xml"))
"""The archive's description of its files and their columns, and the template of its description of the study."""


@cache
def columns() -> dict[str, list[str]]:
    """Return the columns of each file of the archive, as meta.xml describes them. The first is the occurrence's id."""
    found = {}
    for each in ElementTree.parse(META).getroot():  # noqa: S314, our own
        terms = (field.get("term", "").rpartition("/")[2] for field in each.iterfind("{*}field"))
        found[each.findtext("{*}files/{*}location", "")] = list(dict.fromkeys(("occurrenceID", *terms)))
    return found


def write_dwca(study: Study, path: Path, about: Description) -> None:
    """Write a study as an archive. The rows first go to temporary files beside it: a zip takes one file at a time."""
    with whole(path) as partial, ZipFile(partial, "w", ZIP_DEFLATED) as archive, ExitStack() as stack:
        texts, write = {}, {}
        for file, names in columns().items():
            text = stack.enter_context(TemporaryFile("w+", encoding="utf-8", newline="", dir=partial.parent))
            texts[file] = text
            writer = csv.DictWriter(text, names, lineterminator="\n", restval="", extrasaction="ignore")
            writer.writeheader()
            write[file] = writer.writerow
        for file, row in _rows(study, about):
            write[file](row)
        archive.write(META, META.name)
        archive.writestr(EML.name, eml(study, about))
        for file, text in texts.items():
            text.seek(0)
            with archive.open(file, "w", force_zip64=True) as binary:
                binary.writelines(map(str.encode, text))


def _rows(study: Study, about: Description) -> Iterator[tuple[str, dict[str, Any]]]:
    for event in study.events():
        for photo in event:
            for number, part in enumerate(photo.finding.each, 1):
                if part.kind != "animal" or part.named is None:
                    continue
                key = {"occurrenceID": observation_id(photo, number)}
                about_it = _occurrence(photo, part, study, about) | {"eventID": event_id(event)}
                yield "occurrence.csv", key | about_it | _identification(part, part.named)
                yield "multimedia.csv", key | _medium(photo)
                for each in () if part.is_human else part.candidates:
                    yield "identification.csv", key | _identification(part, each)


def _occurrence(photo: StudyPhoto, part: Finding, study: Study, about: Description) -> dict[str, Any]:
    """Return the fields of an occurrence on time, place, licence, number of animals, and what people said of them.

    `part`: the animal in the photo."""
    deployment = study.deployments[photo.deployment]
    place, precision = deployment if deployment.fields else photo, study.precision
    return {
        "basisOfRecord": "MachineObservation",
        "occurrenceStatus": "present",
        "eventDate": stamp(photo.time),
        "samplingProtocol": "camera trap" if deployment.fields else "",
        "locationID": deployment.fields.get("locationID", ""),
        "locality": deployment.fields.get("locationName", ""),
        "decimalLatitude": place.latitude,
        "decimalLongitude": place.longitude,
        "geodeticDatum": "EPSG:4326",
        "coordinateUncertaintyInMeters": study.uncertainty(deployment.fields),
        "coordinatePrecision": precision or "",
        "dataGeneralizations": f"coordinates rounded to {precision:g} degree" if precision else "",
        "identificationVerificationStatus": "verified" if photo.finding.is_human else "unverified",
        "kingdom": "Animalia",
        "license": about.licence,
        "individualCount": part.count,
        "sex": part.said.sex,
        "lifeStage": part.said.life_stage,
        "behavior": part.said.behavior,
        "occurrenceRemarks": part.said.note,
    }


def _medium(photo: StudyPhoto) -> dict[str, Any]:
    return {
        "identifier": photo.path,
        "type": "MovingImage" if photo.clip else "StillImage",
        "format": media_type(photo.path),
        "created": stamp(photo.time),
        "accessURI": photo.path,
    }


def _identification(finding: Finding, named: ScoredTaxon) -> dict[str, str]:
    ranks = lineage_of(named.scientific_name).ranks
    how = "a human" if finding.is_human else f"a machine with probability {named.score:.2f}"
    return {
        "identifiedBy": finding.by,
        "dateIdentified": finding.at,
        "identificationRemarks": f"classified by {how}{finding.remark if named is finding.named else ''}",
        "scientificName": named.scientific_name,
        "taxonRank": taxon_rank(named.rank),
        "vernacularName": named.name,
        **{rank: ranks.get(rank, "") for rank in ("phylum", "class", "order", "family", "genus")},
    }


def eml(study: Study, about: Description) -> str:
    """Return the metadata of a study as XML: who, what, and where and when as far as it is known."""
    deployments = study.deployments.values()
    return filled(
        EML,
        about=about,
        new_id=uuid4(),
        today=f"{datetime.now(UTC):%Y-%m-%d}",
        box=dict(zip(("west", "south", "east", "north"), box_around(deployments), strict=False)),
        dates=sorted(f"{moment:%Y-%m-%d}" for each in deployments for moment in each.times),
    )
