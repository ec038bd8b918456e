"""Where a photo was taken, as far as the options of the command say."""

from functools import lru_cache
from typing import Literal, NamedTuple

from chalicelib.features.cells import cell_of, text_of


class Place(NamedTuple):
    """Where a photo was taken, as far as the options say: a position, or else EXIF, or nothing.

    `source`: `given`, by the deployments or the command; `exif`, where a photo must have a position in EXIF; or `none`,
    where it may lack one: then the picture alone decides.
    """

    source: Literal["given", "exif", "none"]
    latitude: float | None = None
    longitude: float | None = None

    @property
    def text(self) -> str:
        """Return the place as the results file stores it. If the stored text differs, the place was corrected."""
        return f"{self.latitude!r},{self.longitude!r}" if self.source == "given" else self.source

    @classmethod
    def parse(cls, text: str) -> "Place":
        if text in ("exif", "none"):
            return EXIF if text == "exif" else NONE
        return cls("given", *map(float, text.split(",")))


EXIF, NONE = Place("exif"), Place("none")


@lru_cache(10_000)
def cell_at(latitude: float | None, longitude: float | None) -> str | None:
    """Return the cell of a position, or None without one. Photos of one cell have the same animals to choose from."""
    return None if latitude is None or longitude is None else text_of(cell_of(latitude, longitude))
