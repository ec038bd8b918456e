"""Remove files of dependencies from the package. exclusions.toml lists the files and the reasons."""

import shutil
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Exclusion:
    """Files to leave out of the package. `patterns`: globs relative to site-packages."""

    name: str
    reason: str
    patterns: tuple[str, ...]

    def matches(self, folder: Path) -> Iterator[Path]:
        """Yield the files and folders in `folder` that match the patterns."""
        for pattern in self.patterns:
            yield from sorted(folder.glob(pattern))


_ENTRIES = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))["exclusion"]
EXCLUSIONS = tuple(Exclusion(each["name"], each["reason"], tuple(each["patterns"])) for each in _ENTRIES)


def remove_excluded(folder: Path) -> None:
    """Remove the files of all exclusions from `folder`, which contains the installed dependencies."""
    for exclusion in EXCLUSIONS:
        for path in exclusion.matches(folder):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()
