"""Read the new lines of a growing file."""

import os
from collections.abc import Iterator
from io import FileIO
from pathlib import Path

_CHUNK = 1 << 20  # bytes per read


class Tail:
    """Reads a file to which another process appends. The file may be missing at first, truncated or replaced.

    Limit: if a file is truncated and then grows beyond the last position before the next read, the truncation goes
    unnoticed.
    """

    def __init__(self, path: Path, chunk: int = _CHUNK) -> None:
        self._path = path
        self._chunk = chunk
        self._file: FileIO | None = None
        self._unfinished = b""

    def read_lines(self) -> Iterator[bytes]:
        """Yield the complete lines since the last call, without line endings. The caller must consume all lines."""
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
        """Close the file. The next read starts at its beginning."""
        if self._file is not None:
            self._file.close()
        self._file = None
        self._unfinished = b""

    def _lines(self, file: FileIO) -> Iterator[bytes]:
        while chunk := file.read(self._chunk):
            *lines, self._unfinished = (self._unfinished + chunk).split(b"\n")
            yield from lines

    def _replaced(self, file: FileIO) -> bool:
        """Return True if the path names a new file. A deleted file is not replaced: a process may still write to it."""
        try:
            return not os.path.samestat(os.fstat(file.fileno()), self._path.stat())
        except FileNotFoundError:
            return False
