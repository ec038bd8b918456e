"""Which engine identifies the photos of a run, by the options of the command. A module beside this one has each."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Literal, get_args

from cli.engines.engine import Engine

Name = Literal["local", "megadetector", "speciesnet"]
NAMES: tuple[Name, ...] = get_args(Name)


@dataclass(frozen=True, slots=True)
class Choice:
    """The options. `url`: of a service, which then is the engine. `weights`: of an engine by another project."""

    name: Name
    url: str | None
    weights: str
    top: int
    boxes: bool

    @property
    def finds_boxes(self) -> bool:
        """Return whether answers have boxes."""
        return self.boxes or self.name != "local"

    def engine(self, environment: Mapping[str, str], at_once: int, say: Callable[[str], None]) -> Engine:
        """Return the engine, ready to identify `at_once` photos at a time. `say`: gets what takes long.

        Raises `ModelError`, and `CommandError` if something is not installed or not there.
        """
        if self.url:
            from cli.engines.remote import API_KEY, RemoteEngine

            return RemoteEngine(self.url, environment.get(API_KEY, ""), self.top, at_once, boxes=self.boxes)
        from chalicelib.config.settings import Settings
        from cli.engines.local import LocalEngine

        build = partial(LocalEngine.build, Settings.from_environment(environment), environment, self.top, say)
        if self.name == "megadetector":
            from cli.engines.megadetector import WEIGHTS, MegaDetector, with_detector

            detector = MegaDetector(self.weights or WEIGHTS)
            return build(boxes=True, change=partial(with_detector, detector=detector), detector=detector)
        if self.name == "speciesnet":
            from cli.engines.speciesnet import SpeciesNet, with_speciesnet

            return build(change=partial(with_speciesnet, net=SpeciesNet(self.weights), say=say))
        return build(boxes=self.boxes)

    def versions(self, environment: Mapping[str, str]) -> dict[str, str]:
        """Return the versions of the models at hand by name, and of `data`; none of a service, before it answers."""
        if self.url:
            return {}
        from chalicelib.config.settings import Settings
        from cli.engines.local import versions_at_hand

        found = versions_at_hand(Settings.from_environment(environment), environment)
        if self.name == "megadetector":
            from cli.engines import megadetector

            return found | {megadetector.NAME: megadetector.version_of(self.weights or megadetector.WEIGHTS)}
        if self.name == "speciesnet":
            from cli.engines import speciesnet

            data = {"data": found["data"]} if "data" in found else {}
            return data | {speciesnet.NAME: speciesnet.version_of(self.weights)}
        return found
