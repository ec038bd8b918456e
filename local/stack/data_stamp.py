"""Detects whether the data in the local database are those of the checkout."""

import hashlib
from pathlib import Path

from local.paths import ROOT

SOURCES = ("database/*.py", "database/*.sql", "database/*.csv", "database/*.gz", "model/*.csv")
"""Files of the checkout that determine the contents of the database."""
MODEL_SOURCES = ("*.csv", "*.csv.gz")
"""Files beside the user's own model that determine them too."""


class DataStamp:
    """A file with the hash of the sources that were loaded.

    Parameters: path, of the file; root, of the checkout; model_folder, of the user's own model (None: ours).
    """

    def __init__(self, path: Path, root: Path = ROOT, model_folder: Path | None = None) -> None:
        self._path = path
        self._sources = [(root, SOURCES), *([(model_folder, MODEL_SOURCES)] if model_folder else [])]

    def current(self) -> bool:
        """Return whether the sources have not changed since they were loaded."""
        return self._path.exists() and self._path.read_text() == self._hash()

    def set(self) -> None:
        """Record that the sources have been loaded."""
        self._path.write_text(self._hash())

    def _hash(self) -> str:
        total = hashlib.sha256()
        for folder, patterns in self._sources:
            for path in sorted(path for pattern in patterns for path in folder.glob(pattern)):
                content = hashlib.sha256(path.read_bytes()).hexdigest()
                total.update(f"{path.relative_to(folder).as_posix()} {content}\n".encode())
        return total.hexdigest()
