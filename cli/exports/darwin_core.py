"""Darwin Core Archive: a zip with the animals as occurrences, their photos, their candidates and EML metadata.

One occurrence a photo that shows an animal, or a box of one, so that it agrees with Camtrap DP; `eventID` says which
photos are one event. People, vehicles and empty photos are no occurrences.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from string import Template
from typing import Any
from uuid import uuid4
from xml.etree import ElementTree
from xml.sax.saxutils import escape
from zipfile import ZIP_DEFLATED, ZipFile

from cli.exports.camtrap_dp import event_id, observation_id
from cli.exports.description import Description
from cli.exports.files import parts, stamp, table, whole
from cli.photos import media_type
from cli.study.finding import Finding
from cli.study.study import Deployment, Study, StudyPhoto, box_around
from cli.study.taxa import ScoredTaxon, lineage_of, taxon_rank

META, EML = (Path(__file__).with_name(name) for name in ("meta.xml", "eml.xml"))
"""What the archive says of its files and their columns, and a template of what it says of the study."""


@cache
def columns() -> dict[str, list[str]]:
    """Return the columns of each file of the archive, as meta.xml describes them. The first is the occurrence's id."""
    found = {}
    for each in ElementTree.parse(META).getroot():  # noqa: S314, our own
        terms = (field.get("term", "").rpartition("/")[2] for field in each.iterfind("{*}field"))
        found[each.findtext("{*}files/{*}location", "")] = list(dict.fromkeys(("occurrenceID", *terms)))
    return found


def write_dwca(study: Study, path: Path, about: Description) -> None:
    """Write the archive."""
    with whole(path) as partial, parts(path) as folder:
        with ExitStack() as stack:
            write = {file: stack.enter_context(table(folder / file, names)) for file, names in columns().items()}
            for event in study.events():
                for photo in event:
                    for number, part in enumerate(photo.finding.each, 1):
                        if part.kind != "animal" or part.named is None:
                            continue
                        key = {"occurrenceID": observation_id(photo, number)}
                        occurrence = _occurrence(photo, event, study, about) | _seen(part)
                        write["occurrence.csv"](key | occurrence | _identification(part, part.named))
                        write["multimedia.csv"](key | _medium(photo))
                        for row in _identifications(part):
                            write["identification.csv"](key | row)
        with ZipFile(partial, "w", ZIP_DEFLATED) as archive:
            archive.write(META, META.name)
            archive.writestr(EML.name, eml(study, about))
            for file in columns():
                archive.write(folder / file, file)


def _occurrence(photo: StudyPhoto, event: list[StudyPhoto], study: Study, about: Description) -> dict[str, Any]:
    """Return the fields of an occurrence about time, place and licence."""
    deployment = study.deployments[photo.deployment]
    latitude = deployment.latitude if deployment.fields else photo.latitude
    longitude = deployment.longitude if deployment.fields else photo.longitude
    precision = study.precision
    return {
        "basisOfRecord": "MachineObservation",
        "occurrenceStatus": "present",
        "eventID": event_id(event),
        "eventDate": stamp(photo.time),
        "samplingProtocol": "camera trap" if deployment.fields else "",
        "locationID": deployment.fields.get("locationID", ""),
        "locality": deployment.fields.get("locationName", ""),
        "decimalLatitude": latitude,
        "decimalLongitude": longitude,
        "geodeticDatum": "EPSG:4326",
        "coordinateUncertaintyInMeters": study.uncertainty(deployment.fields),
        "coordinatePrecision": precision or "",
        "dataGeneralizations": f"coordinates rounded to {precision:g} degree" if precision else "",
        "identificationVerificationStatus": "verified" if photo.finding.is_human else "unverified",
        "kingdom": "Animalia",
        "license": about.licence,
    }


def _seen(finding: Finding) -> dict[str, Any]:
    """Return how many animals there are, and what a person said of them."""
    return {
        "individualCount": finding.count,
        "sex": finding.said.sex,
        "lifeStage": finding.said.life_stage,
        "behavior": finding.said.behavior,
        "occurrenceRemarks": finding.said.note,
    }


def _medium(photo: StudyPhoto) -> dict[str, Any]:
    return {
        "identifier": photo.path,
        "type": "MovingImage" if photo.clip else "StillImage",
        "format": media_type(photo.path),
        "created": stamp(photo.time),
        "accessURI": photo.path,
    }


def _identifications(finding: Finding) -> Iterator[dict[str, str]]:
    """Yield a row for each candidate of the models, without the lineage that only occurrences have."""
    if not finding.is_human:
        for each in finding.candidates:
            row = _identification(finding, each)
            yield {name: row[name] for name in columns()["identification.csv"] if name in row}


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
    """Return the metadata of a study as XML."""
    given = {
        "id": about.given.get("id", uuid4()),
        "title": about.title,
        "published": f"{datetime.now(UTC):%Y-%m-%d}",
        "abstract": about.given.get("description") or "Photos of animals, classified by Faunalens.",
        "rights": about.licence or "No licence is stated.",
    }
    return Template(EML.read_text(encoding="utf-8")).substitute(
        {name: _text(value) for name, value in given.items()},
        creators="".join(f"<creator>{_person(each)}</creator>" for each in about.contributors),
        contact=_person(about.contributors[0]),
        coverage=_coverage(list(study.deployments.values())),
    )


def _person(contributor: dict[str, str]) -> str:
    organization, email = contributor.get("organization"), contributor.get("email")
    surname = f"<surName>{_text(contributor.get('title', 'not stated'))}</surName>"
    name = f"<individualName>{surname}</individualName>"
    if organization:
        name = f"<organizationName>{_text(organization)}</organizationName>"
    return name + (f"<electronicMailAddress>{_text(email)}</electronicMailAddress>" if email else "")


def _coverage(deployments: list[Deployment]) -> str:
    """Return where and when deployments were, as far as it is known."""
    found = ""
    if box := box_around(deployments):
        west, south, east, north = box
        limits = {"west": west, "east": east, "north": north, "south": south}
        sides = "".join(f"<{side}BoundingCoordinate>{at:g}</{side}BoundingCoordinate>" for side, at in limits.items())
        found += (
            "<geographicCoverage><geographicDescription>The box around all deployments</geographicDescription>"
            f"<boundingCoordinates>{sides}</boundingCoordinates></geographicCoverage>"
        )
    if dates := sorted(f"{moment:%Y-%m-%d}" for each in deployments for moment in each.times):
        begin, end = (f"<calendarDate>{date}</calendarDate>" for date in (dates[0], dates[-1]))
        span = f"<beginDate>{begin}</beginDate><endDate>{end}</endDate>"
        found += f"<temporalCoverage><rangeOfDates>{span}</rangeOfDates></temporalCoverage>"
    return found


def _text(value: object) -> str:
    return escape(str(value), {'"': "&quot;"})
