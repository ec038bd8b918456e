"""Everything that the runbook refers to exists."""

import json
import re

from chalice.app import CloudWatchEvent

from chalicelib.config.settings import Settings
from dashboards.project import DASHBOARDS, ROOT
from faunalens.data.__main__ import build_parser as database_parser

RUNBOOK = ROOT / "docs" / "how-to" / "runbook.md"
_ITALIC = re.compile(r"(?<!\*)\*([^*]+)\*(?!\*)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_QUERY = re.compile(r"quer(?:y|ies) `([a-z-]+)`", re.IGNORECASE)


TEXT = RUNBOOK.read_text(encoding="utf-8")


def test_italics_name_widgets_or_headings_of_dashboards() -> None:
    names: set[str] = set()
    for path in DASHBOARDS.glob("*.json"):
        widgets = [widget["properties"] for widget in json.loads(path.read_text(encoding="utf-8"))["widgets"]]
        names.update(widget.get("title", "") for widget in widgets)
        names.update(_HEADING.findall("\n".join(widget.get("markdown", "") for widget in widgets)))
    italics = {" ".join(found.split()) for found in _ITALIC.findall(TEXT)}
    assert {name for name in italics if not any(title.startswith(name) for title in names)} == set()


def test_named_queries_exist() -> None:
    assert set(_QUERY.findall(TEXT)) <= {path.stem for path in DASHBOARDS.glob("queries/*.txt")}


def test_the_payload_for_warming_is_a_valid_event() -> None:
    (payload,) = re.findall(r"-warm\".*?--payload '(.*?)'", TEXT, re.DOTALL)
    assert CloudWatchEvent(json.loads(payload), None).detail == {}


def test_commands_to_the_administrative_function_are_commands_of_the_database() -> None:
    commands = re.findall(r"^admin '(.*)'", TEXT, re.MULTILINE)
    assert len(commands) == 2
    for command in commands:
        database_parser(Settings()).parse_args(json.loads(command)["command"])
