"""`python -m infra`: its options, and its errors before it changes anything."""

import io
import shlex
from functools import partial
from pathlib import Path

import pytest

from infra.__main__ import build_parser, main, resume_command
from infra.proof.report import ProofReport
from infra.stage import Stage


@pytest.fixture(autouse=True)
def _no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide any AWS credentials of this machine."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_DEFAULT_REGION", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "/nonexistent")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def test_help_names_commands_and_steps(capsys: pytest.CaptureFixture[str]) -> None:
    for words, expected in (([], "delete a stage"), (["up"], "checkout, certificates, stack, configuration, app")):
        with pytest.raises(SystemExit) as end:
            main([*words, "--help"])
        assert end.value.code == 0
        assert expected in " ".join(capsys.readouterr().out.split())


def test_without_a_region_it_says_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["up", "--stage", "dev"]) == 1
    assert "no AWS region is set; pass --region" in capsys.readouterr().err


def test_without_credentials_it_says_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["up", "--stage", "dev", "--region", "eu-west-1"]) == 1
    assert "sign in with `aws sso login`, or set AWS_PROFILE" in capsys.readouterr().err


@pytest.mark.parametrize("stage", ["production", "local"])
def test_a_stage_that_cannot_be_deployed_is_an_error(stage: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["up", "--stage", stage, "--region", "eu-west-1"])
    assert f"invalid choice: '{stage}' (choose from dev, prod)" in capsys.readouterr().err


def test_a_parameter_without_a_value_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["up", "--stage", "dev", "--set", "AlarmEmail"])
    assert "is not NAME=VALUE" in capsys.readouterr().err


def test_an_unknown_step_to_skip_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["up", "--stage", "dev", "--skip", "smokes"])
    assert "invalid choice: 'smokes'" in capsys.readouterr().err


def test_the_command_to_resume_repeats_the_options() -> None:
    # GIVEN a command with options WHEN it fails THEN the command to resume with repeats them, so that no value is reset
    options = [
        "up",
        "--stage",
        "dev",
        "--region",
        "eu-west-1",
        "--no-firewall",
        "--without-budget",
        "--set",
        "AlarmEmail=me@example.org",
        "--yes",
    ]
    options += ["--skip", "data", "--skip", "smoke"]
    for first in ([], ["--from", "app"], ["--from=app"]):
        resume = resume_command([*options, *first])
        assert vars(build_parser().parse_args(shlex.split(resume)[3:])) == vars(build_parser().parse_args(options))


def test_no_terminal_means_no(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN a pipeline without a terminal WHEN the command asks THEN it does nothing, and names the option
    monkeypatch.setattr("sys.stdin", io.StringIO())
    for command in ("up", "down"):
        monkeypatch.setattr("infra.__main__._stage", lambda options: Stage(options.stage, "", None, {}))
        assert main([command, "--stage", "dev"]) == 1
        assert "nothing was done; pass --yes" in capsys.readouterr().out


def test_a_stage_is_missing_but_for_a_dry_run(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["up"]) == 1
    assert "--stage is missing; the stages are dev, prod" in capsys.readouterr().err


def test_a_question_without_a_terminal_stays_open_and_the_report_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN a pipeline without a terminal, and a stage that is gone
    monkeypatch.setattr("sys.stdin", io.StringIO())
    monkeypatch.setattr("infra.__main__._stage", lambda options: Stage(options.stage, "eu-west-1", None, {}))
    monkeypatch.setattr("infra.__main__._refresh", lambda _: None)
    monkeypatch.setattr("infra.__main__.ROOT", tmp_path)
    monkeypatch.setattr("infra.__main__.ProofReport", partial(ProofReport, folder=tmp_path / "build"))
    monkeypatch.setattr(Stage, "outputs", {})
    # WHEN a claim needs a person THEN nothing is wrong, and the command says how not to be asked
    assert main(["prove", "--stage", "dev", "--only", "gone"]) == 0
    said = capsys.readouterr()
    assert "there is no terminal to ask; pass --yes" in said.err
    assert "wrote build/proof-dev.md" in said.out
    assert "0 proved, 0 refuted" in (tmp_path / "build" / "proof-dev.md").read_text(encoding="utf-8")
