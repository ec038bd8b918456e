"""Labels of photos that were sorted into folders by animal."""

from collections.abc import Iterator
from pathlib import Path

from cli.importing.labels import Label, called
from cli.importing.names import kind_called, taxon_called
from cli.photos import walk


class Folders:
    """Folders that are named by what their photos show, below each other or below those of stations."""

    def is_form_of(self, path: Path) -> bool:
        """Return whether it is a folder."""
        return path.is_dir()

    def labels(self, path: Path) -> Iterator[Label]:
        """Yield a label for each photo: the innermost folder that is called like a taxon or a kind, or else any."""
        for entry in walk(path):
            file = Path(entry)
            inner = file.relative_to(path).parts[-2::-1]
            name = next((each for each in inner if kind_called(each) or taxon_called(each)), next(iter(inner), ""))
            yield Label(file.relative_to(path).as_posix(), (called(name),) if name else (), file=file)
