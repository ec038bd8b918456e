"""The package for tests is built once for all processes, and again if one of its files has changed."""

from collections.abc import Callable
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

import pytest

from tests import built_package

if TYPE_CHECKING:
    from infra.package import Package

NAMES = ("deployment.zip", "layer-deployment.zip", "sam.json")


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The folders of the builds so far."""
    folders: list[Path] = []

    def build(out: Path, *, quiet: bool) -> None:
        assert quiet
        folders.append(out)
        out.mkdir()
        for name in NAMES:
            (out / name).write_text("packed", encoding="utf-8")

    monkeypatch.setattr(built_package, "build", build)
    return folders


@pytest.fixture
def set_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], None]:
    """Sets the content of the only file of a checkout."""
    monkeypatch.setattr(built_package, "ROOT", tmp_path)
    monkeypatch.setattr(built_package, "INPUTS", ("requirements-dev.txt",))

    def set_files(text: str) -> None:
        (tmp_path / "requirements-dev.txt").write_text(text, encoding="utf-8")

    set_files("chalice==1")
    return set_files


@pytest.mark.usefixtures("set_files")
def test_several_at_a_time_share_one_build(built: list[Path], tmp_path: Path) -> None:
    found: list[Package] = []
    threads = [Thread(target=lambda: found.append(built_package.built_once(tmp_path / "cache"))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(built), len(set(found))) == (1, 1)
    assert found[0].template.read_text(encoding="utf-8") == "packed"


def test_a_changed_file_needs_another_build(
    built: list[Path], set_files: Callable[[str], None], tmp_path: Path
) -> None:
    cache, packages = tmp_path / "cache", []
    for text in ("chalice==1", "chalice==2", "chalice==1", "chalice==3", "chalice==4"):
        set_files(text)
        packages.append(built_package.built_once(cache))
    # THEN each version is built once, and the latest three stay
    assert (len(built), packages[0]) == (4, packages[2])
    assert [each.function.exists() for each in packages] == [True, False, True, True, True]


@pytest.mark.usefixtures("set_files")
def test_a_killed_build_leaves_no_half_package(
    built: list[Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def killed(out: Path, *, quiet: bool) -> None:
        out.mkdir()
        (out / NAMES[0]).write_text("half", encoding="utf-8")
        raise KeyboardInterrupt(quiet)

    with monkeypatch.context() as patch:
        patch.setattr(built_package, "build", killed)
        with pytest.raises(KeyboardInterrupt):
            built_package.built_once(tmp_path / "cache")
    assert built_package.built_once(tmp_path / "cache").function.read_text(encoding="utf-8") == "packed"
    assert len(built) == 1
