"""Where a photo was taken, as far as the options of the command say."""

from typing import Literal, NamedTuple


class Place(NamedTuple):
    """Where a photo was taken, as far as the options say: a position, or else EXIF, or nothing.

    `source`: `given` (by the deployments or the command), `exif`, or `none`: use EXIF's position if there is one, or
    else the picture alone.
    """

    source: Literal["given", "exif", "none"]
    latitude: float | None = None
    longitude: float | None = None

    @property
    def text(self) -> str:
        """Return the place as the results file stores it. If it differs, the place was corrected."""
        return f"{self.latitude!r},{self.longitude!r}" if self.source == "given" else self.source

    @classmethod
    def parse(cls, text: str) -> "Place":
        """Parse what `text` returned."""
        if text == "exif":
            return EXIF
        if text == "none":
            return NONE
        latitude, longitude = map(float, text.split(","))
        return cls("given", latitude, longitude)


EXIF, NONE = Place("exif"), Place("none")
