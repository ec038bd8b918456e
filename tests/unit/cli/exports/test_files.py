"""Files of exports: whole or not at all, and nothing else is touched."""

import errno
import os
from pathlib import Path

import pytest

from cli.errors import CommandError
from cli.exports.files import table, whole


def test_a_file_is_whole_or_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "new" / "photos.csv"
    with whole(path) as partial:
        partial.write_text("first")
    with pytest.raises(ZeroDivisionError):
        _fail(path, ZeroDivisionError())
    assert path.read_text() == "first"
    assert list(path.parent.iterdir()) == [path]


def test_a_link_stays_one(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    link = tmp_path / "photos.csv"
    link.symlink_to("there/photos.csv")
    with whole(link) as partial:
        partial.write_text("text")
    assert link.is_symlink()
    assert (tmp_path / "there" / "photos.csv").read_text() == "text"


def test_a_pipe_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    # GIVEN a pipe with a reader, as /dev/stdout may be
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    # WHEN a table is written to it
    with table(pipe, ("path",)) as write:
        write({"path": "a.jpg"})
    # THEN the reader has it, and the pipe is still one
    assert os.read(reader, 100) == b"path\na.jpg\n"
    os.close(reader)
    assert pipe.is_fifo()


def test_a_full_disk_is_said(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"photos.csv cannot be written \(No space left"):
        _fail(tmp_path / "photos.csv", OSError(errno.ENOSPC, "No space left on device"))


def _fail(path: Path, error: Exception) -> None:
    with whole(path) as partial:
        partial.write_text("sec")
        raise error
