"""The command that takes pictures."""

import shutil

import pytest

from cloudwatch.preview import render
from cloudwatch.preview.render import find_chromium


def test_without_a_browser_the_error_says_how_to_install_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(SystemExit, match="apt-get install chromium"):
        find_chromium()


@pytest.mark.parametrize("arguments", [[], ["--out", "x", "--drift", "unknown"]])
def test_invalid_arguments_are_rejected(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        render.main(arguments)
    assert "usage: python -m cloudwatch render" in capsys.readouterr().err
