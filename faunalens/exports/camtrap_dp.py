"""Camtrap DP 1.0: a folder with three tables and their description (https://camtrap-dp.tdwg.org).

Each photo, or each box in it, has its own observation (`observationLevel` media). Each event has an observation for
each taxon and kind that its photos show (`observationLevel` event).
"""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from chalicelib.config import VERSION
from faunalens.errors import CommandError
from faunalens.exports.description import Description
from faunalens.exports.files import stamp, table, whole
from faunalens.study.deployments import COLUMNS
from faunalens.study.event import found_in
from faunalens.study.finding import COUNTED, Finding
from faunalens.study.photos import media_type
from faunalens.study.study import Deployment, Study, StudyPhoto, box_around
from faunalens.taxa.taxa import ScoredTaxon, lineage_of, taxon_rank
from faunalens.terminal import shown, warn
from faunalens.words import count

PACKAGE = Path(__file__).with_name("datapackage.json")
"""What all packages have in common: the release of Camtrap DP, and the addresses of its tables' schemas."""
FILE_TIME = "the time is that of the file, because EXIF has none"
"""What exports say of a photo that has the time of its file."""
RANKS = ("kingdom", "phylum", "class", "order", "family", "genus", "species", "subspecies")
_FILE_PATH = re.compile(r"(?=[^./~])(?:(?!\.{2}).)*")
"""Paths that Camtrap DP allows: not absolute, not hidden, without '..'."""


def write_camtrap_dp(study: Study, folder: Path, about: Description) -> None:
    """Write the study as a Camtrap DP. Raises `CommandError` if a deployment lacks the required place or time zone."""
    deployments = {key: each for key, each in study.deployments.items() if each.start and each.end}
    _expect_complete(deployments)
    for key in (key for key in study.deployments if key not in deployments):
        warn(
            f"the deployment {key} is left out: no photo has a time, nor does it have deploymentStart and deploymentEnd"
        )
    if untimed := study.untimed:
        warn(f"{count(untimed, 'photo is')} left out, because Camtrap DP demands a time; see --file-times")
    taxa: dict[str, ScoredTaxon] = {}
    with table(folder / "deployments.csv", COLUMNS["deployments"]) as write:
        for deployment in deployments.values():
            write(_deployment(deployment, study))
    with (
        table(folder / "media.csv", COLUMNS["media"]) as write_medium,
        table(folder / "observations.csv", COLUMNS["observations"]) as write_observation,
    ):
        for event in study.events():
            photos = [photo for photo in event if photo.time and _has_path(photo)]
            if not photos:
                continue
            for photo in photos:
                write_medium(_medium(photo))
            for observation, finding in _observations(photos):
                write_observation(observation)
                if finding.named:
                    taxa.setdefault(finding.named.scientific_name, finding.named)
    package = _package(study, deployments, taxa, about)
    with whole(folder / "datapackage.json") as partial:
        partial.write_text(json.dumps(package, ensure_ascii=False, allow_nan=False, indent=2) + "\n", encoding="utf-8")


def _expect_complete(deployments: dict[str, Deployment]) -> None:
    if not deployments:
        raise CommandError(
            "no photo with an answer has a time, which Camtrap DP demands; run `faunalens identify` first, or take the "
            "times of the files with --file-times"
        )
    unplaced = [key for key, each in deployments.items() if each.latitude is None]
    zoneless = [key for key, each in deployments.items() if any(time.tzinfo is None for time in each.times)]
    for lacking, demanded in (
        (unplaced, "a place of each deployment: give --deployments, or --lat and --lon, to `faunalens identify`"),
        (zoneless, "the time zone of each camera's clock: add timezone to the deployments, or give --timezone"),
    ):
        if lacking:
            number = f"{len(lacking)} of {len(deployments)}"
            raise CommandError(f"{lacking[0]} ({number}) lacks what Camtrap DP demands, {demanded}")


def _has_path(photo: StudyPhoto) -> bool:
    """Return whether Camtrap DP allows a photo's path. Warn if it does not."""
    if _FILE_PATH.fullmatch(photo.path):
        return True
    warn(f"{shown(photo.path)} is left out, because Camtrap DP forbids such paths; rename it")
    return False


def _deployment(deployment: Deployment, study: Study) -> dict[str, Any]:
    fields = {name: deployment.fields.get(name, "") for name in COLUMNS["deployments"]}
    has_issues = deployment.has_time_issues or fields["timestampIssues"].lower() == "true"
    return fields | {
        "deploymentID": deployment.id,
        "latitude": deployment.latitude,
        "longitude": deployment.longitude,
        "coordinateUncertainty": study.uncertainty(deployment.fields),
        "deploymentStart": stamp(deployment.start),
        "deploymentEnd": stamp(deployment.end),
        "timestampIssues": "true" if has_issues else fields["timestampIssues"],
    }


def _medium(photo: StudyPhoto) -> dict[str, Any]:
    return {
        "mediaID": photo.path,
        "deploymentID": photo.deployment,
        "timestamp": stamp(photo.time),
        "filePath": photo.path,
        "filePublic": "false",
        "fileName": photo.path.rpartition("/")[2],
        "fileMediatype": media_type(photo.path),
        "mediaComments": "" if photo.timed else FILE_TIME,
    }


def event_id(event: list[StudyPhoto]) -> str:
    """Return the id of an event, given its photos. The event has the same id in all exports."""
    return f"{event[0].path}#event"


def observation_id(photo: StudyPhoto, number: int) -> str:
    """Return the id of an observation, which is the same in all exports. `number`: of the box in its photo, from 1."""
    return f"{photo.path}#{number}"


def _observations(event: list[StudyPhoto]) -> Iterator[tuple[dict[str, Any], Finding]]:
    """Yield observations with findings: one for each photo or box, then one for each thing that the event shows."""
    same = {
        "deploymentID": event[0].deployment,
        "eventID": event_id(event),
        "eventStart": stamp(event[0].time),
        "eventEnd": stamp(event[-1].end),
    }
    for photo in event:
        for number, part in enumerate(photo.finding.each, 1):
            remark = COUNTED if part.is_human and part.count != part.said.count else ""
            if part.clip and not part.is_human:
                remark = f"at {part.clip.seconds:g} s of the video (frame {part.clip.frame})"
            head = {"observationID": observation_id(photo, number), "mediaID": photo.path, "observationLevel": "media"}
            yield same | head | _classification(part, remark), part
    for number, part in enumerate(found_in([photo.finding for photo in event], by_traits=True), 1):
        identity = event_id(event) + (f"-{number}" if number > 1 else "")
        head = {"observationID": identity, "mediaID": "", "observationLevel": "event"}
        yield same | head | _classification(part), part


def _classification(finding: Finding, remark: str = "") -> dict[str, Any]:
    """Return the fields of an observation that say what it shows. `remark`: text before the other comments."""
    fields: dict[str, Any] = {
        "observationType": finding.kind,
        "count": finding.count,
        "lifeStage": finding.said.life_stage,
        "sex": finding.said.sex,
        "behavior": finding.said.behavior,
        "classificationMethod": finding.method,
        "classifiedBy": finding.by,
        "classificationTimestamp": finding.at,
        "observationComments": "; ".join(filter(None, (remark, _comments(finding)))),
    }
    if finding.named:
        fields["scientificName"] = finding.named.scientific_name
    if not finding.is_human:
        fields["classificationProbability"] = round(max(finding.sureness, 1e-4), 4)
    if finding.box:
        box = finding.box
        fields |= {"bboxX": box.x, "bboxY": box.y, "bboxWidth": box.width, "bboxHeight": box.height}
    return fields


def _comments(finding: Finding) -> str:
    """Return comments: the animal's name, which may be a breed, and candidates; or a person's own name and note."""
    if finding.kind != "animal" or finding.is_human:
        typed = f"{finding.named.name}{finding.remark}" if finding.is_typed and finding.named else ""
        return "; ".join(filter(None, (typed, finding.said.note)))
    listed = ", ".join(f"{each} {each.score:.2f}" for each in finding.candidates)
    named = finding.named
    return f"{named.name}, {named.rank}{finding.remark}; candidates: {listed}" if named else f"candidates: {listed}"


def _package(study: Study, deployments: dict[str, Deployment], taxa: dict[str, ScoredTaxon], about: Description) -> Any:
    west, south, east, north = box_around(deployments.values())
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    times = [time for each in deployments.values() for time in each.times]
    return {
        **json.loads(PACKAGE.read_text(encoding="utf-8")),
        "name": about.name,
        "title": about.title,
        "created": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "contributors": about.contributors,
        "sources": [{"title": "Faunalens", "version": VERSION}],
        **{key: value for key, value in about.given.items() if key not in ("contributors", "project", "title")},
        "project": about.project,
        **({"coordinatePrecision": study.precision} if study.precision else {}),
        "spatial": {"type": "Polygon", "coordinates": [ring]},
        "temporal": {"start": f"{min(times):%Y-%m-%d}", "end": f"{max(times):%Y-%m-%d}"},
        "taxonomic": [_taxon(taxa[name]) for name in sorted(taxa)],
    }


def _taxon(named: ScoredTaxon) -> dict[str, Any]:
    lineage = lineage_of(named.scientific_name)
    rank = taxon_rank(named.rank)
    return {
        "scientificName": named.scientific_name,
        **({"taxonRank": rank} if rank in RANKS else {}),
        "kingdom": "Animalia",
        **{key: value for key, value in lineage.ranks.items() if key in RANKS[1:-2]},
        "vernacularNames": {"eng": lineage.name or named.name},
    }
