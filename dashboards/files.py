"""Read the files of dashboards/ and replace their placeholders.

    dashboards/NAME.json              the body of a CloudWatch dashboard
    dashboards/alarms/NAME.json       a metric alarm: the parameters of PutMetricAlarm without AlarmName and Tags
    dashboards/composites/NAME.json   a composite alarm: the parameters of PutCompositeAlarm without AlarmName and Tags
    dashboards/queries/NAME.txt       a saved query of Logs Insights; it reads the log group of the API function unless
                                      a comment `# log group: …` names another

Placeholders are replaced inside JSON strings only, so that no value can break the JSON. In dashboards, `STAGENAME`
stays, since CloudWatch replaces it with the value of the dashboard's variable `stage`. The default of this variable
becomes the deployed stage. Limits are always those of the deployed stage; `LIMITSTAGE` is replaced with its name.

In dashboards, the annotation `{"alarm": "latency"}` becomes a line at the threshold of alarm latency, with its name.

Files called `web`, or with a name that begins with `web-`, belong to the web tier.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple

from dashboards.figures import DEFAULT_STAGE, LIMITS, FileError, billed_counts, placeholder_of, read_limits, read_prices
from dashboards.project import (
    BALANCER,
    DASHBOARDS,
    RUNBOOK,
    SERVICE,
    STAGE_VARIABLE,
    STAGES,
    TARGETS,
    belongs_to_tier,
    prefix,
)

type Kind = Literal["dashboard", "alarm", "composite", "query"]

_PATTERNS: Mapping[Kind, str] = {
    "dashboard": "*.json",
    "alarm": "alarms/*.json",
    "composite": "composites/*.json",
    "query": "queries/*.txt",
}
_PLACEHOLDER = re.compile(
    r"STAGENAME|REGIONNAME|ACCOUNTID|RUNBOOKURL|ALARMTOPIC|LIMITSTAGE|WEBBALANCER|WEBTARGETS|(?:PRICE|LIMIT)_[A-Z0-9_]+"
)
_LOG_GROUP = re.compile(r"^#\s*log group:\s*(\S+)\s*$", re.MULTILINE | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Placeholders:
    """Values of the placeholders.

    `topic`: ARN of the topic that alarms notify; by default the topic of `stage`. `limits`: stage whose limits apply;
    by default `stage`. `balancer`, `targets`: CloudWatch's names of the web tier's load balancer and target group.
    """

    stage: str = "dev"
    region: str = "eu-west-1"
    account: str = "123456789012"
    runbook: str = RUNBOOK
    topic: str = ""
    partition: str = "aws"
    limits: str = ""
    balancer: str = ""
    targets: str = ""

    def values(self, folder: Path = DASHBOARDS) -> dict[str, str]:
        """Return the value of each placeholder, prices and limits included. Raises `FileError`."""
        topic = f"arn:{self.partition}:sns:{self.region}:{self.account}:{SERVICE}-{self.stage}-alarms"
        limits = self.limits or self.stage
        return {
            STAGE_VARIABLE: self.stage,
            "REGIONNAME": self.region,
            "ACCOUNTID": self.account,
            "RUNBOOKURL": self.runbook,
            "ALARMTOPIC": self.topic or topic,
            "LIMITSTAGE": limits,
            BALANCER: self.balancer or f"app/{SERVICE}-{self.stage}-web/0123456789abcdef",
            TARGETS: self.targets or f"targetgroup/{SERVICE}-{self.stage}-web/0123456789abcdef",
            **{placeholder_of(name): text for name, text in read_prices(folder / "prices.csv").items()},
            **{placeholder_of(name): str(count) for name, count in billed_counts(folder).items()},
            **read_limits(limits, folder.parent),
        }


_SAME = (STAGE_VARIABLE, "REGIONNAME", "ACCOUNTID", "RUNBOOKURL", "ALARMTOPIC")
UNRESOLVED = Placeholders(*_SAME, limits=DEFAULT_STAGE, balancer=BALANCER, targets=TARGETS)
"""Values for lint: every placeholder stays, except prices and limits, which expressions need as numbers."""


class Query(NamedTuple):
    """A saved query of Logs Insights and the log groups that it reads."""

    text: str
    log_groups: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Files:
    """The content of all files of dashboards/ for one stage, by file name without extension."""

    stage: str
    dashboards: dict[str, dict[str, Any]] = field(default_factory=dict)
    alarms: dict[str, dict[str, Any]] = field(default_factory=dict)
    composites: dict[str, dict[str, Any]] = field(default_factory=dict)
    queries: dict[str, Query] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file before placeholders are replaced. `name`: its stem. `file`: path, as `dashboards/alarms/latency.json`."""

    kind: Kind
    path: Path
    name: str
    file: str

    def text(self) -> str:
        """Return the text of the file. Raises `FileError` if it is not UTF-8."""
        try:
            return self.path.read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            raise FileError(self.file, f"byte {error.start} is not UTF-8; save the file as UTF-8") from None

    def read_object(self, values: Mapping[str, str]) -> dict[str, Any]:
        """Return a dashboard, alarm or composite with its placeholders replaced. Raises `FileError`."""
        body, stage = _parse(self), values[STAGE_VARIABLE]
        if self.kind != "dashboard":
            return {"AlarmName": prefix(stage) + self.name, **_substituted(body, values, self.file)}
        if "variables" in body:
            values = {**values, STAGE_VARIABLE: STAGE_VARIABLE}
        body |= _substituted(body, values, self.file)
        if stage != STAGE_VARIABLE:  # lint, which has not yet checked the body, reads it without a stage
            _set_default_stage(body, stage)
        return body

    def read_query(self, values: Mapping[str, str]) -> Query:
        """Return a saved query with its placeholders replaced. Raises `FileError`."""
        text = str(_substituted(self.text(), values, self.file)).strip()
        groups = tuple(_LOG_GROUP.findall(text)) or (f"/aws/lambda/{SERVICE}-{values[STAGE_VARIABLE]}",)
        return Query(text, groups)


def source_files(folder: Path = DASHBOARDS) -> list[SourceFile]:
    """Return all files, dashboards first. Raises `FileError` if there is no dashboard."""
    if not any(folder.glob(_PATTERNS["dashboard"])):
        what = "there is no dashboard (*.json) in this folder; give the folder that contains the dashboards"
        raise FileError(folder.name, what)
    return [
        SourceFile(kind, path, path.stem, path.relative_to(folder.parent).as_posix())
        for kind, pattern in _PATTERNS.items()
        for path in sorted(folder.glob(pattern))
    ]


def read_files(
    placeholders: Placeholders = Placeholders(), folder: Path = DASHBOARDS, *, tier: bool | None = None
) -> Files:
    """Return the files with their placeholders replaced. Raises `FileError` for the first unreadable file.

    `tier`: True for only the files of the web tier, False for all others; by default, all files.
    """
    files = Files(placeholders.stage)
    bodies = {"dashboard": files.dashboards, "alarm": files.alarms, "composite": files.composites}
    values = placeholders.values(folder)
    for source in source_files(folder):
        if tier is not None and belongs_to_tier(source.name) != tier:
            continue
        if source.kind == "query":
            files.queries[source.name] = source.read_query(values)
        else:
            bodies[source.kind][source.name] = source.read_object(values)
    return files


def map_strings(value: Any, function: Callable[[str], Any]) -> Any:
    """Return a JSON value with each string replaced by the result of a function. Keys do not change."""
    if isinstance(value, str):
        return function(value)
    if isinstance(value, list):
        return [map_strings(each, function) for each in value]
    return {key: map_strings(each, function) for key, each in value.items()} if isinstance(value, dict) else value


def _parse(source: SourceFile) -> dict[str, Any]:
    try:
        body = json.loads(source.text(), object_pairs_hook=lambda pairs: _object(pairs, source))
    except json.JSONDecodeError as error:
        raise FileError(source.file, f"line {error.lineno}, column {error.colno}: invalid JSON ({error.msg})") from None
    if not isinstance(body, dict):
        raise FileError(source.file, "the file is not a JSON object; write {…}")
    return body


def _object(pairs: Iterable[tuple[str, Any]], source: SourceFile) -> dict[str, Any]:
    """Return a JSON object. Raises `FileError` for a repeated key: the parser would silently keep the last value."""
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise FileError(source.file, f'key "{key}" appears twice in one object; remove one of the two')
        found[key] = value
    if source.kind == "dashboard" and "alarm" in found:
        alarm = str(found.pop("alarm"))
        return {"value": _threshold_of(alarm, source), "label": alarm} | found
    return found


def _threshold_of(alarm: str, source: SourceFile) -> Any:
    """Return the threshold of an alarm that a dashboard names; 0 if the alarm's file is invalid, which lint reports."""
    path = source.path.parent / "alarms" / f"{alarm}.json"
    if not path.is_file():
        raise FileError(source.file, f'no file defines the alarm "{alarm}", whose threshold it shows; correct the name')
    try:
        return json.loads(path.read_text(encoding="utf-8"))["Threshold"]
    except (ValueError, LookupError, TypeError):
        return 0


def _substituted(value: Any, values: Mapping[str, str], file: str) -> Any:
    """Return a JSON value with the placeholders in all of its strings replaced."""

    def replace(match: re.Match[str]) -> str:
        if match[0] not in values:
            what = f"no price in prices.csv and no limit has this name; the limits are {', '.join(LIMITS)}"
            missing = "" if LIMITS[0] in values else f", and they need {STAGES} next to this folder"
            raise FileError(file, f"{match[0]}: {what}{missing}")
        return values[match[0]]

    return map_strings(value, lambda text: _PLACEHOLDER.sub(replace, text))


def _set_default_stage(body: dict[str, Any], stage: str) -> None:
    """Make the deployed stage the default of the dashboard's variable `stage`, and add it to the choices."""
    for variable in body.get("variables", []):
        if variable.get("pattern") == STAGE_VARIABLE:
            variable["defaultValue"] = stage
            if stage not in [each["value"] for each in variable["values"]]:
                variable["values"].append({"value": stage, "label": stage})
