"""An environment is created once, and again when its pins change."""

import subprocess
import venv
from pathlib import Path

import pytest

from testing import pinned_environment
from testing.pinned_environment import EnvironmentFailed, python_of


class Pip:
    """Notes the calls of pip, which ends with an exit code and an error."""

    def __init__(self, code: int = 0, error: str = "") -> None:
        self.code, self.error = code, error
        self.calls: list[list[str]] = []

    def __call__(self, command: list[str], **_: object) -> "subprocess.CompletedProcess[str]":
        assert command[1:3] == ["-m", "pip"]
        self.calls.append(command)
        return subprocess.CompletedProcess(command, self.code, "", self.error)


@pytest.fixture
def pins(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A file of pins; .local and the creation of environments are replaced."""
    path = tmp_path / "requirements.txt"
    path.write_text("one==1 --hash=sha256:0", encoding="utf-8")
    monkeypatch.setattr(pinned_environment, "STATE_DIR", tmp_path)
    monkeypatch.setattr(venv, "create", lambda folder, **_: folder.mkdir(exist_ok=True))
    return path


def test_packages_are_installed_once_for_the_same_pins(pins: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN pins with hashes, and others without
    others = pins.with_name("others.txt")
    others.write_text("two==1", encoding="utf-8")
    pip = Pip()
    monkeypatch.setattr(subprocess, "run", pip)
    # THEN each file is installed once, and only one with hashes must have all of them
    python = python_of("peers", pins, others)
    assert python == python_of("peers", pins, others) == pins.parent / "peers" / "bin" / "python"
    assert ["--require-hashes" in call for call in pip.calls] == [True, False]
    # WHEN the pins change
    pins.write_text("one==2", encoding="utf-8")
    python_of("peers", pins, others)
    assert len(pip.calls) == 4


def test_a_failed_installation_is_tried_again(pins: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pip = Pip(1, "no network")
    monkeypatch.setattr(subprocess, "run", pip)
    for _ in range(2):
        with pytest.raises(EnvironmentFailed, match="check the network and run it again:\nno network"):
            python_of("peers", pins)
    assert len(pip.calls) == 2
