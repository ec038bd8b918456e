"""The commands that pages give are commands: their options and steps are known."""

import re
from collections.abc import Iterator

import pytest

from chalicelib.config.settings import Settings
from database.__main__ import build_parser as database_parser
from database.maintain.__main__ import build_parser as maintenance_parser
from infra.__main__ import build_parser as infra_parser
from tests.unit.docs.pages import PAGES, name_of

COMMAND = re.compile(r"python -m (?P<program>infra|database|database\.maintain) (?P<arguments>[^`\n#]*?)(?:`|\n|  )")


def _commands() -> Iterator[tuple[str, str, str]]:
    """Yield page, program and arguments of each whole command, with real names for placeholders."""
    for page in PAGES:
        for found in COMMAND.finditer(page.read_text(encoding="utf-8")):
            arguments = re.sub(r"--stage (?:\$STAGE|…)", "--stage prod", found["arguments"].strip())
            # a sentence may speak of `python -m infra up`; the page of commands lists them
            if len(arguments.split()) > 1 and page.name != "commands.md":
                yield name_of(page), found["program"], arguments


@pytest.mark.parametrize(("page", "program", "arguments"), sorted(set(_commands())))
def test_a_command_is_understood(page: str, program: str, arguments: str) -> None:
    settings = Settings()
    parsers = {
        "infra": infra_parser(),
        "database": database_parser(settings),
        "database.maintain": maintenance_parser(settings),
    }
    try:
        parsers[program].parse_args(arguments.split())
    except SystemExit:
        pytest.fail(f"{page}: python -m {program} {arguments}")


def test_there_are_commands() -> None:
    assert {program for _, program, _ in _commands()} == {"infra", "database", "database.maintain"}
