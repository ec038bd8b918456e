"""Choose the engine that identifies the photos of a run.

Each name in `ENGINES` but `local` is a module beside this one, which has `change` and `versions`; see `megadetector`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chalicelib.config.settings import EngineName, Settings
from faunalens.engines.engine import Engine
from faunalens.errors import CommandError

if TYPE_CHECKING:
    from chalicelib.services import Services

LOADING = "loading the models of another project; the first run also downloads their weights"
"""What a run tells the user while it loads the engine of another project."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The options that choose an engine. `url`: address of the service that is the engine, or None.

    `weights`: weights of another project's models, or empty. `packs`: a folder with packs to use beside this release's.
    """

    name: EngineName
    url: str | None
    weights: str
    packs: Path | None
    top: int
    boxes: bool

    @property
    def finds_boxes(self) -> bool:
        return self.boxes or self.name != "local"

    def engine(self, environment: Mapping[str, str], at_once: int, say: Callable[[str], None]) -> Engine:
        """Return the engine, ready to identify `at_once` photos at a time. `say`: is called with messages.

        Raises `ModelError`, and `CommandError` if a package is not installed or a file is missing.
        """
        if self.url:
            from faunalens.engines.remote import API_KEY, RemoteEngine

            return RemoteEngine(self.url, environment.get(API_KEY, ""), self.top, at_once, boxes=self.boxes)
        from faunalens.engines.local import LocalEngine

        if self.packs:
            say(_sizes(self.packs))
        change = change_to(self.name, self.weights, say)
        boxes = self.boxes and self.name == "local"  # others give boxes unasked, without our detector
        return LocalEngine.build(self._settings(environment), environment, self.top, say, boxes=boxes, change=change)

    def versions(self, environment: Mapping[str, str]) -> dict[str, str]:
        """Return the version of each model by its name, and of the data as `data`; empty for a remote server."""
        if self.url:
            return {}
        from faunalens.engines.local import versions_at_hand

        found = versions_at_hand(self._settings(environment), environment)
        return found if self.name == "local" else {**_module_of(self.name).versions(self.weights, found)}

    def _settings(self, environment: Mapping[str, str]) -> Settings:
        settings = Settings.from_environment(environment)
        return replace(settings, model=replace(settings.model, packs=self.packs)) if self.packs else settings


def change_to(name: EngineName, weights: str, say: Callable[[str], None]) -> "Callable[[Services], Services]":
    """Load an engine's models. Return a function that puts them in place of ours; for `local`, it changes nothing.

    `weights`: a name or a path; empty for the default. `say`: called with a sentence on these models, if any. Raises
    `CommandError` if loading fails.
    """
    change: Callable[[Services], Services]
    change = (lambda services: services) if name == "local" else _module_of(name).change(weights, say)
    return change


def _module_of(name: EngineName) -> Any:
    return import_module(f"{__package__}.{name}")


def _sizes(folder: Path) -> str:
    """Return a sentence on the packs in a folder, with their sizes. Raises `CommandError` if there is no pack."""
    from chalicelib.model.manifest import read_manifests

    packs = list(read_manifests(folder))
    if not packs:
        raise CommandError(
            f"{folder} has no pack; expected NAME.toml with enabled = true, and its NAME.onnx and labels beside it"
        )
    named = ", ".join(f"{each.name} ({each.bytes / 1e6:,.0f} MB)" for each in packs)
    return f"packs: {named}; each takes as much memory once it is used, and twice that while it is loaded"
