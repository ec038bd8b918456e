"""What our models say of the boxes that came in. They look at the crops, as they do after a detector of ours."""

from collections.abc import Sequence
from pathlib import Path

from chalicelib.location import Location
from chalicelib.model.detector import Box, Detector
from cli.engines.engine import Refused
from cli.engines.local import LocalEngine
from cli.engines.megadetector import with_detector
from cli.importing.predictions import Predicted
from cli.place import NONE, Place
from cli.video import is_video


class _Given(Detector):
    """The boxes of a photo, in the place of a detector. `model`: name and version of that which found them."""

    is_loaded = True

    def __init__(self, model: tuple[str, str], boxes: Sequence[Box]) -> None:
        self.name, self.version = model
        self._boxes = tuple(boxes)

    def look(self, whole: object, size: int = 0) -> tuple[Box, ...]:  # noqa: ARG002, another has looked
        """Return the boxes."""
        return self._boxes


def look(engine: LocalEngine, path: Path, said: Predicted, location: Location | None, shift: float) -> str | None:
    """Return the answer for a photo as JSON. None if it cannot be read; or is a video, whose frames are others.

    `said`: with boxes in shares. Raises `ModelError`.
    """
    if is_video(path) or -1 not in said.frames:
        return None
    given = _Given(said.detector or said.model, [box for box, _ in said.frames[-1].boxes])
    place = Place("given", location.latitude, location.longitude) if location else NONE
    engine = engine.changed(lambda services: with_detector(services, given))
    try:
        return engine.identify(path.read_bytes(), place, shift).answer
    except (OSError, Refused):
        return None
