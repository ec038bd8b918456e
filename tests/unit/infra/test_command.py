"""`python -m infra`: its options, and its errors before it changes anything."""

import io
import shlex
from functools import partial
from pathlib import Path

import pytest

from infra.__main__ import build_parser, main, resume_command
from infra.proof.report import ProofReport
from infra.stack import Declined
from infra.stage import Stage
from infra.step import Step
from infra.up import Up


@pytest.fixture(autouse=True)
def _no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide any AWS credentials of this machine."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_DEFAULT_REGION", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "/nonexistent")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def test_help_names_commands_and_steps(capsys: pytest.CaptureFixture[str]) -> None:
    for words, expected in (([], "delete a stage"), (["up"], "checkout, roles, stack, database, data, web")):
        with pytest.raises(SystemExit) as end:
            main([*words, "--help"])
        assert end.value.code == 0
        assert expected in " ".join(capsys.readouterr().out.split())


def test_what_is_missing_or_impossible_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    for words, message in (
        ("up --stage dev", "no AWS region is set; pass --region"),
        ("up --stage dev --region eu-west-1", "sign in with `aws sso login`, or set AWS_PROFILE"),
        ("template --stage dev --out build/none --set Colour=red", "error: unknown parameter Colour"),
    ):
        assert main(words.split()) == 1
        assert message in capsys.readouterr().err
    # AND an option that there is not is an error
    for words, message in (
        ("--stage production", "invalid choice: 'production' (choose from dev, prod)"),
        ("--stage dev --set AlarmEmail", "is not NAME=VALUE"),
        ("--stage dev --skip smokes", "invalid choice: 'smokes'"),
    ):
        with pytest.raises(SystemExit):
            main(["up", *words.split()])
        assert message in capsys.readouterr().err


def test_the_command_to_resume_repeats_the_options() -> None:
    # GIVEN a command with options WHEN it fails THEN the command to resume with repeats them, so that no value is reset
    text = "up --stage dev --region eu-west-1 --no-firewall --without-budget --set AlarmEmail=me@example.org --yes"
    options = [*text.split(), "--skip", "data", "--skip", "smoke"]
    for first in ([], ["--from", "data"], ["--from=data"]):
        resume = resume_command([*options, *first])
        assert vars(build_parser().parse_args(shlex.split(resume)[3:])) == vars(build_parser().parse_args(options))


@pytest.fixture
def _no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run commands without a terminal, as a pipeline does, on a stage of no account."""
    monkeypatch.setattr("sys.stdin", io.StringIO())
    monkeypatch.setattr("infra.__main__._stage", lambda options: Stage(options.stage, "eu-west-1", None, {}))


@pytest.mark.usefixtures("_no_terminal")
def test_no_terminal_means_no(capsys: pytest.CaptureFixture[str]) -> None:
    # WHEN the command asks THEN it does nothing, and names the option
    assert main(["down", "--stage", "dev"]) == 1
    assert "nothing more was done; pass --yes" in capsys.readouterr().out


@pytest.mark.usefixtures("_no_terminal")
@pytest.mark.parametrize(
    ("words", "agrees", "code"),
    [("", False, 1), ("--yes", True, 0), ("--dry-run", False, 0), ("--dry-run --yes", False, 0)],
)
def test_changes_need_consent(
    words: str, agrees: bool, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN a step that asks
    def ask(up: Up, _: object) -> None:
        if not up._confirm("Make these changes? "):
            raise Declined

    monkeypatch.setattr(Up, "steps", lambda up: [Step("stack", "ask", lambda echo: ask(up, echo))])
    # WHEN the command runs THEN it goes on with --yes alone, and a dry run is no failure
    assert main(["up", "--stage", "dev", "--only", "stack", *words.split()]) == code
    assert ("done, " in capsys.readouterr().out) is agrees


@pytest.mark.usefixtures("_no_terminal")
def test_a_question_without_a_terminal_stays_open_and_the_report_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN a stage that is gone
    monkeypatch.setattr("infra.__main__.ROOT", tmp_path)
    monkeypatch.setattr("infra.__main__.ProofReport", partial(ProofReport, folder=tmp_path / "build"))
    monkeypatch.setattr(Stage, "outputs", {})
    # WHEN a claim needs a person THEN nothing is wrong, and the command says how not to be asked
    assert main(["prove", "--stage", "dev", "--only", "gone"]) == 0
    said = capsys.readouterr()
    assert "there is no terminal to ask; pass --yes" in said.err
    assert "wrote build/proof-dev.md" in said.out
    assert "0 proved, 0 refuted" in (tmp_path / "build" / "proof-dev.md").read_text(encoding="utf-8")
