"""`python -m dashboards`: every command has a module and help."""

from collections.abc import Sequence

import pytest

from dashboards.__main__ import COMMANDS, main


@pytest.mark.parametrize("command", [[], *([each] for each in COMMANDS)])
def test_the_program_and_every_command_have_help(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main([*command, "--help"])
    assert " ".join(["usage: python -m dashboards", *command]) in capsys.readouterr().out


def test_ctrl_c_is_no_traceback(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN a running command WHEN Ctrl-C interrupts it THEN one line says so
    def interrupted(_arguments: Sequence[str]) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("dashboards.preview.server.main", interrupted)
    assert main(["preview"]) == 130
    assert capsys.readouterr() == ("", "\ninterrupted\n")
