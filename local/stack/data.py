"""Whether the loaded data are those of the checkout."""

import hashlib
from pathlib import Path

from local.stack.initdb import ROOT

SOURCES = ("database/*.py", "database/*.sql", "database/*.csv", "database/*.gz", "model/*.csv")
"""What the contents of the database follow from, in the checkout."""
BESIDE = ("*.csv", "*.csv.gz")
"""What they follow from beside a model of one's own."""


class DataStamp:
    """A file that holds the hash of the sources that were loaded. `model`: the folder of a model of one's own."""

    def __init__(self, path: Path, root: Path = ROOT, model: Path | None = None) -> None:
        self._path = path
        self._places = [(root, SOURCES), *([(model, BESIDE)] if model else [])]

    def current(self) -> bool:
        """Whether the sources are those that were loaded."""
        return self._path.exists() and self._path.read_text() == self._hash()

    def set(self) -> None:
        """The sources have been loaded."""
        self._path.write_text(self._hash())

    def _hash(self) -> str:
        whole = hashlib.sha256()
        for place, patterns in self._places:
            for path in sorted(path for pattern in patterns for path in place.glob(pattern)):
                content = hashlib.sha256(path.read_bytes()).hexdigest()
                whole.update(f"{path.relative_to(place).as_posix()} {content}\n".encode())
        return whole.hexdigest()
