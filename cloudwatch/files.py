"""The files of this folder: dashboards, alarms, composites and queries, with their placeholders put in and their names.

    dashboards/NAME.json              the body of a CloudWatch dashboard
    dashboards/alarms/NAME.json       one metric alarm, keys as in PutMetricAlarm, without AlarmName and Tags
    dashboards/composites/NAME.json   one composite alarm, keys as in PutCompositeAlarm, likewise
    dashboards/queries/NAME.txt       a saved query of Logs Insights; comments say what it is for, and `# log group: …`
                                      which group it reads if not the API function's

Placeholders are replaced in texts only, so that no value can break the JSON around it. In dashboards `STAGENAME` stays,
since CloudWatch itself replaces it by what the variable `stage` is set to; `defaultValue` becomes the deployed stage.
Limits and prices are those of the deployed stage whatever it is set to; `LIMITSTAGE` tells which stage that is.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from cloudwatch.limits import ACCOUNT, LIMITS, STAGES, USUAL, read_limits
from cloudwatch.prices import read_prices

FOLDER = Path(__file__).parents[1] / "dashboards"
SERVICE = "faunalens"
STAGE_VARIABLE = "STAGENAME"

type Kind = Literal["dashboard", "alarm", "composite", "query"]

_WHERE: Mapping[Kind, str] = {
    "dashboard": "*.json",
    "alarm": "alarms/*.json",
    "composite": "composites/*.json",
    "query": "queries/*.txt",
}
_PLACEHOLDER = re.compile(r"STAGENAME|REGIONNAME|ACCOUNTID|RUNBOOKURL|ALARMTOPIC|LIMITSTAGE|(?:PRICE|LIMIT)_[A-Z0-9_]+")
_LOG_GROUP = re.compile(r"^#\s*log group:\s*(\S+)\s*$", re.MULTILINE | re.IGNORECASE)
_STAGE = re.compile(r"[a-z][a-z0-9]{0,15}")


class FileError(ValueError):
    """A file cannot be read: which one, what is wrong, what to write instead."""

    def __init__(self, file: str, detail: str) -> None:
        super().__init__(f"{file}: {detail}")
        self.file = file
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Placeholders:
    """What is put in for the placeholders. A topic that is not given is the one that the stage's stack makes.

    `limits`: the stage whose limits are put in, if not its own. `containers`: how many the account lets run, which is
    the limit of a stage that reserves none.
    """

    stage: str = "dev"
    region: str = "eu-west-1"
    account: str = "123456789012"
    runbook: str = "docs/how-to/runbook.md"
    topic: str = ""
    partition: str = "aws"
    limits: str = ""
    containers: str = ACCOUNT

    @property
    def limit_stage(self) -> str:
        """The stage whose limits are put in."""
        return self.limits or self.stage

    def values(self) -> dict[str, str]:
        """Text for each placeholder but prices and limits."""
        topic = f"arn:{self.partition}:sns:{self.region}:{self.account}:{SERVICE}-{self.stage}-alarms"
        return {
            STAGE_VARIABLE: self.stage,
            "REGIONNAME": self.region,
            "ACCOUNTID": self.account,
            "RUNBOOKURL": self.runbook,
            "ALARMTOPIC": self.topic or topic,
            "LIMITSTAGE": self.limit_stage,
        }


KEPT = Placeholders(STAGE_VARIABLE, "REGIONNAME", "ACCOUNTID", "RUNBOOKURL", "ALARMTOPIC", limits=USUAL)
"""Placeholders that stay as they are: what lint reads with, so that it sees what was written.

Prices are put in, and limits, which are numbers in expressions.
"""


@dataclass(frozen=True, slots=True)
class Query:
    """A saved query of Logs Insights and the log groups that it reads."""

    text: str
    log_groups: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Files:
    """All of them for one stage, by file name without its ending."""

    stage: str
    dashboards: dict[str, dict[str, Any]] = field(default_factory=dict)
    alarms: dict[str, dict[str, Any]] = field(default_factory=dict)
    composites: dict[str, dict[str, Any]] = field(default_factory=dict)
    queries: dict[str, Query] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Source:
    """One file as it was written."""

    kind: Kind
    path: Path
    file: str
    """How people are told of it: its path from the folder that holds dashboards/."""

    @property
    def name(self) -> str:
        """File name without its ending."""
        return self.path.stem

    def text(self) -> str:
        """Its text. Raises `FileError` if it is not UTF-8."""
        try:
            return self.path.read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            raise FileError(self.file, f"byte {error.start} is not UTF-8; save it as UTF-8") from None


def check_stage(stage: str) -> str:
    """The stage, if it can be one.

    A dash would make the names of stage `dev-eu` begin with those of stage `dev`, which then would remove them.
    """
    if not _STAGE.fullmatch(stage):
        raise ValueError(
            f'stage "{stage}" cannot be used; write up to 16 small letters and digits, such as dev or prod'
        )
    return stage


def prefix(stage: str) -> str:
    """What the names of all dashboards and alarms of a stage begin with."""
    return f"{SERVICE}-{stage}-"


def query_prefix(stage: str) -> str:
    """What the names of all saved queries of a stage begin with: a folder in the console."""
    return f"{SERVICE}/{stage}/"


def sources(folder: Path = FOLDER) -> list[Source]:
    """All files, dashboards first. Raises `FileError` if there is no dashboard."""
    found = [
        Source(kind, path, path.relative_to(folder.parent).as_posix())
        for kind, pattern in _WHERE.items()
        for path in sorted(folder.glob(pattern))
    ]
    if not any(each.kind == "dashboard" for each in found):
        raise FileError(folder.name, "there is no dashboard (*.json) in this folder; name the folder that holds them")
    return found


def read(placeholders: Placeholders = Placeholders(), folder: Path = FOLDER) -> Files:
    """All files with the placeholders put in.

    Raises `FileError`, `PriceError` or `LimitError` at the first that cannot be read.
    """
    files = Files(placeholders.stage)
    values = values_of(placeholders, folder)
    for source in sources(folder):
        if source.kind == "query":
            files.queries[source.name] = read_query(source, values)
        else:
            body = read_object(source, values)
            {"dashboard": files.dashboards, "alarm": files.alarms, "composite": files.composites}[source.kind][
                source.name
            ] = body
    return files


def values_of(placeholders: Placeholders, folder: Path = FOLDER) -> dict[str, str]:
    """Text for each placeholder, prices and limits included. Raises `PriceError` or `LimitError`."""
    prices = read_prices(folder / "prices.csv").values()
    limits = read_limits(placeholders.limit_stage, folder.parent, placeholders.containers)
    return placeholders.values() | {price.placeholder: price.text for price in prices} | limits


def read_object(source: Source, values: Mapping[str, str]) -> dict[str, Any]:
    """A dashboard, alarm or composite, ready to be put. Raises `FileError`."""
    body = _parse(source)
    kept = {STAGE_VARIABLE: STAGE_VARIABLE} if source.kind == "dashboard" else {}
    body = dict(_filled(body, {**values, **kept}, source.file))
    stage = values[STAGE_VARIABLE]
    if source.kind == "dashboard":
        _choose_stage(body, stage)
    else:
        body = {"AlarmName": prefix(stage) + source.name} | body
    return body


def read_query(source: Source, values: Mapping[str, str]) -> Query:
    """A saved query. Raises `FileError`."""
    text = str(_filled(source.text(), values, source.file)).strip()
    groups = tuple(_LOG_GROUP.findall(text)) or (f"/aws/lambda/{SERVICE}-{values[STAGE_VARIABLE]}",)
    return Query(text, groups)


def used_placeholders(source: Source) -> set[str]:
    """Placeholders that a file holds, prices and limits included. Raises `FileError`."""
    return set(_PLACEHOLDER.findall(source.text()))


def _parse(source: Source) -> dict[str, Any]:
    try:
        body = json.loads(source.text(), object_pairs_hook=lambda pairs: _object(pairs, source.file))
    except json.JSONDecodeError as error:
        raise FileError(source.file, f"line {error.lineno}, column {error.colno}: no JSON ({error.msg})") from None
    if not isinstance(body, dict):
        raise FileError(source.file, "the whole is no object; write {…}")
    return body


def _object(pairs: Iterable[tuple[str, Any]], file: str) -> dict[str, Any]:
    """A JSON object whose keys are all there once; JSON itself would take the last in silence."""
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise FileError(file, f'key "{key}" stands twice in one object; remove one')
        found[key] = value
    return found


def _filled(value: Any, values: Mapping[str, str], file: str) -> Any:
    """The value with placeholders replaced in every text below it."""
    unknown = sorted({each for text in _texts(value) for each in _PLACEHOLDER.findall(text)} - values.keys())
    if unknown:
        raise FileError(file, _unknown(unknown))

    def fill(each: Any) -> Any:
        if isinstance(each, str):
            return _PLACEHOLDER.sub(lambda match: values[match[0]], each)
        if isinstance(each, list):
            return [fill(item) for item in each]
        if isinstance(each, dict):
            return {key: fill(item) for key, item in each.items()}
        return each

    return fill(value)


def _unknown(names: Sequence[str]) -> str:
    """What to do about placeholders that nothing can be put in for."""
    limits = [name for name in names if name.startswith("LIMIT_")]
    if known := [name for name in limits if name in LIMITS]:
        return f"{', '.join(known)}: {STAGES}, which says it, does not lie beside this folder; put it there"
    if limits:
        return f"{', '.join(limits)}: there is no such limit; write one of {', '.join(LIMITS)}"
    return f"{', '.join(names)}: no such price in prices.csv; add it there, or correct the name"


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _texts(each)


def _choose_stage(body: dict[str, Any], stage: str) -> None:
    """Let the variable of the stage start at the deployed one, and offer it."""
    variables = body.get("variables")
    for variable in variables if isinstance(variables, list) and stage != STAGE_VARIABLE else ():
        if isinstance(variable, dict) and variable.get("pattern") == STAGE_VARIABLE:
            variable["defaultValue"] = stage
            offered = variable.get("values")
            if isinstance(offered, list) and stage not in [
                each.get("value") for each in offered if isinstance(each, dict)
            ]:
                offered.append({"value": stage, "label": stage})
