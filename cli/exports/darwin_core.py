"""Darwin Core Archive: a zip with the animals as occurrences, their photos, their candidates and EML metadata.

One occurrence a photo that shows an animal, or a box of one, so that it agrees with Camtrap DP; `eventID` says which
photos are one event. People, vehicles and empty photos are no occurrences.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4
from xml.etree import ElementTree as ET
from zipfile import ZIP_DEFLATED, ZipFile

from cli.exports.camtrap_dp import event_id, observation_id
from cli.exports.description import Description
from cli.exports.files import parts, stamp, table, whole
from cli.photos import media_type
from cli.study.finding import Finding
from cli.study.study import Study, StudyPhoto
from cli.study.taxa import ScoredTaxon, lineage_of, taxon_rank

DWC, DC, AC = "http://rs.tdwg.org/dwc/terms/", "http://purl.org/dc/terms/", "http://rs.tdwg.org/ac/terms/"
OCCURRENCE = dict.fromkeys(
    (
        *("occurrenceID", "basisOfRecord", "occurrenceStatus", "eventID", "eventDate", "samplingProtocol"),
        *("locationID", "locality", "decimalLatitude", "decimalLongitude", "geodeticDatum"),
        *("coordinateUncertaintyInMeters", "coordinatePrecision", "dataGeneralizations", "identifiedBy"),
        *("dateIdentified", "identificationVerificationStatus", "identificationRemarks", "scientificName"),
        *("taxonRank", "vernacularName", "kingdom", "phylum", "class", "order", "family", "genus"),
        *("individualCount", "sex", "lifeStage", "behavior", "occurrenceRemarks"),
    ),
    DWC,
) | {"license": DC}
MULTIMEDIA = (
    {"occurrenceID": DWC}
    | dict.fromkeys(("identifier", "type", "format", "created"), DC)
    | dict.fromkeys(("accessURI", "serviceExpectation"), AC)
)
IDENTIFICATION = dict.fromkeys(
    (
        *("occurrenceID", "identifiedBy", "dateIdentified", "scientificName", "taxonRank", "vernacularName"),
        "identificationRemarks",
    ),
    DWC,
)
FILES = {
    "occurrence.csv": (f"{DWC}Occurrence", OCCURRENCE),
    "multimedia.csv": (f"{AC}Multimedia", MULTIMEDIA),
    "identification.csv": (f"{DWC}Identification", IDENTIFICATION),
}


def write_dwca(study: Study, path: Path, about: Description) -> None:
    """Write the archive."""
    with whole(path) as partial, parts(path) as folder:
        with ExitStack() as stack:
            write = {
                file: stack.enter_context(table(folder / file, tuple(terms))) for file, (_, terms) in FILES.items()
            }
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
        (folder / "meta.xml").write_bytes(_meta())
        (folder / "eml.xml").write_bytes(eml(study, about))
        with ZipFile(partial, "w", ZIP_DEFLATED) as archive:
            for file in ("meta.xml", "eml.xml", *FILES):
                archive.write(folder / file, file)


def _occurrence(photo: StudyPhoto, event: list[StudyPhoto], study: Study, about: Description) -> dict[str, Any]:
    """Return the fields of an occurrence about time, place and licence."""
    deployment = study.deployments[photo.deployment]
    latitude = deployment.latitude if deployment.fields else photo.latitude
    longitude = deployment.longitude if deployment.fields else photo.longitude
    licences = [each for each in about.given.get("licenses", []) if each.get("scope") == "data"]
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
        "license": (licences[0].get("path") or licences[0].get("name", "")) if licences else "",
    }


def _seen(finding: Finding) -> dict[str, Any]:
    """Return how many animals there are, and what a person said of them."""
    return {
        "individualCount": finding.count,
        "sex": finding.sex,
        "lifeStage": finding.life_stage,
        "behavior": finding.behavior,
        "occurrenceRemarks": finding.note,
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
            yield {name: row[name] for name in IDENTIFICATION if name in row}


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


def _meta() -> bytes:
    """Return meta.xml, which says what the columns of the files are."""
    archive = ET.Element("archive", {"xmlns": "http://rs.tdwg.org/dwc/text/", "metadata": "eml.xml"})
    for number, (file, (kind, terms)) in enumerate(FILES.items()):
        attributes = {
            "encoding": "UTF-8",
            "fieldsTerminatedBy": ",",
            "linesTerminatedBy": "\\n",
            "fieldsEnclosedBy": '"',
            "ignoreHeaderLines": "1",
            "rowType": kind,
        }
        element = ET.SubElement(archive, "extension" if number else "core", attributes)
        ET.SubElement(ET.SubElement(element, "files"), "location").text = file
        ET.SubElement(element, "coreid" if number else "id", {"index": "0"})
        for index, (term, namespace) in enumerate(terms.items()):
            if not (number and index == 0):
                ET.SubElement(element, "field", {"index": str(index), "term": f"{namespace}{term}"})
    ET.indent(archive)
    return bytes(ET.tostring(archive, encoding="utf-8", xml_declaration=True))


NAMESPACE = "eml://ecoinformatics.org/eml-2.1.1"


def eml(study: Study, about: Description) -> bytes:
    """Return the metadata of a study as XML."""
    ET.register_namespace("eml", NAMESPACE)
    identity = str(about.given.get("id", uuid4()))
    root = ET.Element(f"{{{NAMESPACE}}}eml", {"packageId": identity, "system": "faunalens", "scope": "system"})
    dataset = ET.SubElement(root, "dataset")
    _add(dataset, "title", about.title)
    for each in about.contributors:
        _person(ET.SubElement(dataset, "creator"), each)
    _person(ET.SubElement(dataset, "metadataProvider"), about.contributors[0])
    _add(dataset, "pubDate", f"{datetime.now(UTC):%Y-%m-%d}")
    _add(dataset, "language", "eng")
    text = about.given.get("description") or "Photos of animals, classified by Faunalens."
    _add(ET.SubElement(dataset, "abstract"), "para", str(text))
    licences = [each for each in about.given.get("licenses", []) if each.get("scope") == "data"]
    rights = (licences[0].get("path") or licences[0].get("name")) if licences else "No licence is stated."
    _add(ET.SubElement(dataset, "intellectualRights"), "para", str(rights))
    _coverage(ET.SubElement(dataset, "coverage"), study)
    _person(ET.SubElement(dataset, "contact"), about.contributors[0])
    ET.indent(root)
    return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True))


def _person(element: ET.Element, contributor: dict[str, str]) -> None:
    if organization := contributor.get("organization"):
        _add(element, "organizationName", organization)
    else:
        _add(ET.SubElement(element, "individualName"), "surName", contributor.get("title", "not stated"))
    if email := contributor.get("email"):
        _add(element, "electronicMailAddress", email)


def _coverage(element: ET.Element, study: Study) -> None:
    deployments = list(study.deployments.values())
    places = [(each.latitude, each.longitude) for each in deployments if each.latitude is not None]
    if places:
        latitudes, longitudes = [each[0] for each in places], [each[1] for each in places if each[1] is not None]
        geographic = ET.SubElement(element, "geographicCoverage")
        _add(geographic, "geographicDescription", "The box around all deployments")
        box = ET.SubElement(geographic, "boundingCoordinates")
        _add(box, "westBoundingCoordinate", f"{min(longitudes):g}")
        _add(box, "eastBoundingCoordinate", f"{max(longitudes):g}")
        _add(box, "northBoundingCoordinate", f"{max(each for each in latitudes if each is not None):g}")
        _add(box, "southBoundingCoordinate", f"{min(each for each in latitudes if each is not None):g}")
    if dates := sorted(f"{moment:%Y-%m-%d}" for each in deployments for moment in each.times):
        span = ET.SubElement(ET.SubElement(element, "temporalCoverage"), "rangeOfDates")
        for name, date in (("beginDate", dates[0]), ("endDate", dates[-1])):
            _add(ET.SubElement(span, name), "calendarDate", date)


def _add(parent: ET.Element, tag: str, text: str) -> None:
    ET.SubElement(parent, tag).text = text
