"""The new lines of a growing file, again and again."""

import os
from collections.abc import Iterator
from io import FileIO
from pathlib import Path

_CHUNK = 1 << 20  # bytes that are read at a time


class Tail:
    """Follows a file that another process appends to. It may not exist yet, be cut, or be replaced by a new one.

    A file that was cut and has grown past the old place between two looks cannot be told from one that only grew.
    """

    def __init__(self, path: Path, chunk: int = _CHUNK) -> None:
        self._path = path
        self._chunk = chunk
        self._file: FileIO | None = None
        self._unfinished = b""

    def new(self) -> Iterator[bytes]:
        """Complete lines since the last time, without their ends; take them all. An unfinished line waits."""
        if self._file is not None and self._replaced(self._file):
            yield from self._lines(self._file)
            self.close()
        if self._file is None:
            try:
                self._file = FileIO(self._path)
            except FileNotFoundError:
                return
        if os.fstat(self._file.fileno()).st_size < self._file.tell():
            self._file.seek(0)
            self._unfinished = b""
        yield from self._lines(self._file)

    def close(self) -> None:
        """Let go of the file; the next look starts from its beginning."""
        if self._file is not None:
            self._file.close()
        self._file = None
        self._unfinished = b""

    def _lines(self, file: FileIO) -> Iterator[bytes]:
        while chunk := file.read(self._chunk):
            *lines, self._unfinished = (self._unfinished + chunk).split(b"\n")
            yield from lines

    def _replaced(self, file: FileIO) -> bool:
        """Whether the path leads to another file than the open one. One that is gone may yet be written to."""
        try:
            return not os.path.samestat(os.fstat(file.fileno()), self._path.stat())
        except FileNotFoundError:
            return False
