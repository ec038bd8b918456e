"""Darwin Core Archive: a zip with the animals as occurrences, their photos, their candidates and EML metadata.

One occurrence a photo that shows an animal, or a box of one, so that it agrees with Camtrap DP; `eventID` says which
photos are one event. People, vehicles and empty photos are no occurrences.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from xml.etree import ElementTree as ET
from zipfile import ZIP_DEFLATED, ZipFile

from cli.exports.camtrap_dp import event_id, observation_id
from cli.exports.description import Description
from cli.exports.eml import eml
from cli.exports.files import media_type, stamp, table, whole
from cli.study.finding import Finding, Named
from cli.study.lineage import lineage_of, taxon_rank
from cli.study.photo import StudyPhoto
from cli.study.study import Study

DWC, DC, AC = "http://rs.tdwg.org/dwc/terms/", "http://purl.org/dc/terms/", "http://rs.tdwg.org/ac/terms/"
OCCURRENCE = {
    "occurrenceID": DWC,
    "basisOfRecord": DWC,
    "occurrenceStatus": DWC,
    "eventID": DWC,
    "eventDate": DWC,
    "samplingProtocol": DWC,
    "locationID": DWC,
    "locality": DWC,
    "decimalLatitude": DWC,
    "decimalLongitude": DWC,
    "geodeticDatum": DWC,
    "coordinateUncertaintyInMeters": DWC,
    "coordinatePrecision": DWC,
    "dataGeneralizations": DWC,
    "identifiedBy": DWC,
    "dateIdentified": DWC,
    "identificationVerificationStatus": DWC,
    "identificationRemarks": DWC,
    "scientificName": DWC,
    "taxonRank": DWC,
    "vernacularName": DWC,
    "kingdom": DWC,
    "phylum": DWC,
    "class": DWC,
    "order": DWC,
    "family": DWC,
    "genus": DWC,
    "license": DC,
}
MULTIMEDIA = {
    "occurrenceID": DWC,
    "identifier": DC,
    "type": DC,
    "format": DC,
    "created": DC,
    "accessURI": AC,
    "serviceExpectation": AC,
}
IDENTIFICATION = {
    "occurrenceID": DWC,
    "identifiedBy": DWC,
    "dateIdentified": DWC,
    "scientificName": DWC,
    "taxonRank": DWC,
    "vernacularName": DWC,
    "identificationRemarks": DWC,
}
FILES = {
    "occurrence.csv": (f"{DWC}Occurrence", OCCURRENCE),
    "multimedia.csv": (f"{AC}Multimedia", MULTIMEDIA),
    "identification.csv": (f"{DWC}Identification", IDENTIFICATION),
}


def write_dwca(study: Study, path: Path, about: Description) -> None:
    """Write the archive."""
    with whole(path) as partial, TemporaryDirectory(dir=path.parent, prefix=".dwca-") as name:
        folder = Path(name)
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
                        occurrence = _occurrence(photo, event, study, about) | _identification(part, part.named)
                        write["occurrence.csv"](key | occurrence)
                        write["multimedia.csv"](key | _medium(photo))
                        for row in _identifications(part):
                            write["identification.csv"](key | row)
        (folder / "meta.xml").write_bytes(_meta())
        (folder / "eml.xml").write_bytes(eml(study, about))
        with ZipFile(partial, "w", ZIP_DEFLATED) as archive:
            for file in ("meta.xml", "eml.xml", *FILES):
                archive.write(folder / file, file)


def _occurrence(photo: StudyPhoto, event: list[StudyPhoto], study: Study, about: Description) -> dict[str, Any]:
    """Return when and where an animal was, and whose the record is."""
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


def _medium(photo: StudyPhoto) -> dict[str, Any]:
    return {
        "identifier": photo.path,
        "type": "StillImage",
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


def _identification(finding: Finding, named: Named) -> dict[str, str]:
    ranks = lineage_of(named.scientific_name).ranks
    how = "a human" if finding.is_human else f"a machine with probability {named.score:.2f}"
    return {
        "identifiedBy": finding.by,
        "dateIdentified": finding.at,
        "identificationRemarks": f"classified by {how}",
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
