"""The commands that pages give are commands: their options and steps are known."""

import re

import pytest

from chalicelib.config.settings import Settings
from database.__main__ import build_parser as database_parser
from database.maintain.__main__ import build_parser as maintenance_parser
from infra.__main__ import build_parser as infra_parser
from tests.unit.docs.pages import PAGES, name_of

COMMAND = re.compile(r"python -m (?P<program>infra|database|database\.maintain) (?P<arguments>[^`\n#]*?)(?:`|\n|  )")


def test_every_command_is_understood() -> None:
    # GIVEN each whole command, with real names for placeholders; a sentence may speak of `python -m infra up`
    found = {
        (name_of(page), each["program"], re.sub(r"--stage (?:\$STAGE|…)", "--stage prod", each["arguments"].strip()))
        for page in PAGES
        for each in COMMAND.finditer(page.read_text(encoding="utf-8"))
        if len(each["arguments"].split()) > 1 and page.name != "commands.md"
    }
    # THEN its program has these options and steps
    settings = Settings()
    infra, database, maintenance = infra_parser(), database_parser(settings), maintenance_parser(settings)
    parsers = {"infra": infra, "database": database, "database.maintain": maintenance}
    assert {program for _, program, _ in found} == parsers.keys()
    for page, program, arguments in found:
        try:
            parsers[program].parse_args(arguments.split())
        except SystemExit:
            pytest.fail(f"{page}: python -m {program} {arguments}")
