"""Zips of the same files have the same bytes, and bytecode that Python takes."""

import os
import zipfile
from pathlib import Path

import pytest

from infra.package import archive


def made(folder: Path, names: list[str]) -> Path:
    """Create files in the order of `names` and return their folder."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"what is in {name}", encoding="utf-8")
    return folder


def test_the_same_files_make_the_same_bytes(tmp_path: Path) -> None:
    # GIVEN the same files, created in another order, at another time and with private permissions
    first = made(tmp_path / "first", ["a.py", "b/c.py", "b/a.so"])
    second = made(tmp_path / "second", ["b/a.so", "b/c.py", "a.py"])
    os.utime(second / "a.py", (1, 1))
    (second / "a.py").chmod(0o600)
    # WHEN both are packed
    for folder in (first, second):
        archive.pack(folder, "python/", folder.with_suffix(".zip"))
    # THEN the zips are identical
    assert first.with_suffix(".zip").read_bytes() == second.with_suffix(".zip").read_bytes()
    # AND their files are readable for Lambda's user
    with zipfile.ZipFile(second.with_suffix(".zip")) as opened:
        entry = opened.getinfo("python/a.py")
        assert (entry.external_attr >> 16, opened.read(entry)) == (0o100644, b"what is in a.py")


def test_nothing_half_written_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN an unreadable file
    folder, read = made(tmp_path / "in", ["a.py", "b.py"]), Path.read_bytes

    def read_all_but_one(path: Path) -> bytes:
        if path.name == "b.py":
            raise OSError("input/output error")
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", read_all_but_one)
    # WHEN the folder is packed THEN no partial zip is left, which the next deployment would use
    with pytest.raises(OSError, match="error"):
        archive.pack(folder, "", tmp_path / "out.zip")
    assert [path.name for path in tmp_path.iterdir()] == ["in"]
