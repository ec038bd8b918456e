"""EML 2.1.1, the metadata of a Darwin Core Archive, with what GBIF's profile demands."""

from datetime import UTC, datetime
from uuid import uuid4
from xml.etree import ElementTree as ET

from cli.exports.description import Description
from cli.study.study import Study

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
    if deployments:
        span = ET.SubElement(ET.SubElement(element, "temporalCoverage"), "rangeOfDates")
        dates = sorted(f"{moment:%Y-%m-%d}" for each in deployments for moment in each.times)
        for name, date in (("beginDate", dates[0]), ("endDate", dates[-1])):
            _add(ET.SubElement(span, name), "calendarDate", date)


def _add(parent: ET.Element, tag: str, text: str) -> None:
    ET.SubElement(parent, tag).text = text
