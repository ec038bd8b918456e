"""`python -m cloudwatch`: every command has a module and help."""

from collections.abc import Sequence
from importlib.util import find_spec

import pytest

from cloudwatch.__main__ import COMMANDS, main, usage


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    out = capsys.readouterr().out
    for name, (_, what) in COMMANDS.items():
        assert f"  {name:<10}{what}\n" in out


@pytest.mark.parametrize(("words", "message"), [([], "a command is missing"), (["lnit"], 'there is no command "lnit"')])
def test_a_wrong_command_lists_all_of_them(words: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    assert capsys.readouterr().err == f"error: {message}\n\n{usage()}\n"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_of_its_own(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert find_spec(COMMANDS[command][0]) is not None
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    assert f"python -m cloudwatch {command}" in capsys.readouterr().out


def test_ctrl_c_is_no_traceback(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN a running command WHEN Ctrl-C interrupts it THEN one line says so
    def interrupted(_arguments: Sequence[str]) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("cloudwatch.preview.server.main", interrupted)
    assert main(["preview"]) == 130
    assert capsys.readouterr() == ("", "\ninterrupted\n")
