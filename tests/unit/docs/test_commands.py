"""The commands that pages give are commands: their options and steps are known."""

import re
from pathlib import Path

import pytest

from chalicelib.config.settings import ROOT, Settings
from faunalens.data.__main__ import build_parser as database_parser
from faunalens.data.maintain.__main__ import build_parser as maintenance_parser
from infra.__main__ import build_parser as infra_parser
from infra.template import as_text
from infra.template.web import web_template
from tests.unit.docs.pages import PAGES, name_of

SHORT = re.compile(r"`infra (?P<arguments>(?:up|down) [^`]+)`")
"""A command within a sentence, which leaves out what the sentence says: the program and the stage."""
DEPLOY = re.compile(r"aws cloudformation deploy (?:[^\n]+\\\n)*[^\n]+")
MOST_BYTES_OF_A_REQUEST = 51_200
COMMAND = re.compile(
    r"python -m (?P<program>infra|faunalens\.data|faunalens\.data\.maintain) (?P<arguments>[^`\n#]*?)(?:`|\n|  )"
)


def test_every_command_is_understood() -> None:
    # GIVEN each whole command, with real names for placeholders; a sentence may speak of `python -m infra up`
    texts = {name_of(page): page.read_text(encoding="utf-8") for page in PAGES if page.name != "commands.md"}
    found = {
        (page, each["program"], re.sub(r"--stage (?:\$STAGE|…)", "--stage prod", each["arguments"].strip()))
        for page, text in texts.items()
        for each in COMMAND.finditer(text)
        if len(each["arguments"].split()) > 1
    }
    short = {
        (page, "infra", each["arguments"].replace("…", "IMAGE") + " --stage dev")
        for page, text in texts.items()
        for each in SHORT.finditer(text)
    }
    # THEN its program has these options and steps
    settings = Settings()
    infra, database, maintenance = infra_parser(), database_parser(settings), maintenance_parser(settings)
    parsers = {"infra": infra, "faunalens.data": database, "faunalens.data.maintain": maintenance}
    assert {program for _, program, _ in found} == parsers.keys()
    assert short
    for page, program, arguments in found | short:
        try:
            parsers[program].parse_args(arguments.split())
        except SystemExit:
            pytest.fail(f"{page}: python -m {program} {arguments}")


def test_a_template_too_large_for_a_request_is_deployed_by_way_of_a_bucket() -> None:
    # GIVEN the commands of AWS's CLI in all pages, and the size of each template that they deploy
    commands = [each[0] for page in PAGES for each in DEPLOY.finditer(page.read_text("utf-8"))]
    sizes = {path.as_posix(): (ROOT / path).stat().st_size for path in [Path("infra/pipeline.yaml")]}
    sizes |= {"build/dev/app.json": 240_000, "build/dev/web.json": len(as_text(web_template("dev")).encode())}
    # THEN the CLI does not refuse one for its size
    given = {re.search(r"--template-file (\S+)", each)[1]: "--s3-bucket" in each for each in commands}  # type: ignore[index]
    assert given == {name: size > MOST_BYTES_OF_A_REQUEST for name, size in sizes.items()}
