"""`python -m infra`, before it does anything."""

import io
import shlex

import pytest

from infra.__main__ import _again, _parser, main
from infra.stage import Stage


@pytest.fixture(autouse=True)
def _nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """AWS has never heard of us."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_DEFAULT_REGION", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "/nonexistent")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def test_help_names_commands_and_steps(capsys: pytest.CaptureFixture[str]) -> None:
    for words, expected in (([], "take a stage away"), (["up"], "checkout, certificates, stack, configuration, app")):
        with pytest.raises(SystemExit) as end:
            main([*words, "--help"])
        assert end.value.code == 0
        assert expected in " ".join(capsys.readouterr().out.split())


def test_without_a_region_it_says_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["up", "--stage", "dev"]) == 1
    assert "no region; say --region" in capsys.readouterr().err


def test_without_credentials_it_says_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["up", "--stage", "dev", "--region", "eu-west-1"]) == 1
    assert "sign in with `aws sso login`, or set AWS_PROFILE" in capsys.readouterr().err


@pytest.mark.parametrize("stage", ["production", "local"])
def test_a_stage_that_cannot_be_deployed_is_told_before_aws_is_asked(
    stage: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["up", "--stage", stage, "--region", "eu-west-1"])
    assert f"invalid choice: '{stage}' (choose from dev, prod)" in capsys.readouterr().err


def test_a_parameter_without_a_value_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["up", "--stage", "dev", "--set", "AlarmEmail"])
    assert "is not NAME=VALUE" in capsys.readouterr().err


def test_a_step_to_leave_out_that_is_none_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["up", "--stage", "dev", "--skip", "smokes"])
    assert "invalid choice: 'smokes'" in capsys.readouterr().err


def test_how_to_go_on_repeats_what_the_command_was_told() -> None:
    # GIVEN a command with options WHEN it fails THEN the one to go on with has them too, so that nothing is taken back
    told = [
        "up",
        "--stage",
        "dev",
        "--region",
        "eu-west-1",
        "--firewall",
        "--set",
        "AlarmEmail=me@example.org",
        "--yes",
    ]
    told += ["--skip", "data", "--skip", "smoke"]
    again = _again("up", _parser().parse_args(told))
    assert vars(_parser().parse_args(shlex.split(again)[3:])) == vars(_parser().parse_args(told))


def test_nobody_to_answer_is_a_no(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN a pipeline, where nobody sits WHEN it is asked THEN nothing is done, and it says how not to be asked
    monkeypatch.setattr("sys.stdin", io.StringIO())
    for command in ("up", "down"):
        monkeypatch.setattr("infra.__main__._stage", lambda options: Stage(options.stage, "", None, {}))
        assert main([command, "--stage", "dev"]) == 1
        assert "nothing was done" in capsys.readouterr().out
