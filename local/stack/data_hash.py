"""A hash of the files from which the local database is loaded."""

import hashlib
from pathlib import Path

from local.paths import ROOT

SOURCES = (
    *("database/**/*.py", "database/*.sql", "database/**/*.csv", "database/**/*.gz"),
    *("model/*.csv", "model/packs/*.csv", "model/packs/*.toml"),
)
"""Files of the checkout that determine the contents of the database."""
MODEL_SOURCES = ("*.csv", "*.csv.gz", "packs/*.csv", "packs/*.toml")
"""Files in the folder of the user's own model that determine the contents too."""


def data_hash(root: Path = ROOT, model_folder: Path | None = None) -> str:
    """Return the hash of the data in the checkout, and in the folder of the user's own model if there is one."""
    total = hashlib.sha256()
    for folder, patterns in [(root, SOURCES), *([(model_folder, MODEL_SOURCES)] if model_folder else [])]:
        for path in sorted(path for pattern in patterns for path in folder.glob(pattern)):
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            total.update(f"{path.relative_to(folder).as_posix()} {content}\n".encode())
    return total.hexdigest()
