"""Where a photo was taken, as options and results files state it, and the H3 cell of a position."""

from functools import lru_cache
from typing import Literal, NamedTuple

from chalicelib.location import cell_of, text_of


class Place(NamedTuple):
    """Where a photo was taken, as far as the options say: a position, or where to find one.

    `source`: `given`, by the deployments or the command; `exif`, if the photo must have a position in EXIF; or `none`,
    if it may lack one: then the picture alone decides.
    """

    source: Literal["given", "exif", "none"]
    latitude: float | None = None
    longitude: float | None = None

    @property
    def text(self) -> str:
        """Return the place as the results file stores it: if the stored text differs, the place has been corrected."""
        return f"{self.latitude!r},{self.longitude!r}" if self.source == "given" else self.source

    @classmethod
    def parse(cls, text: str) -> "Place":
        if text in ("exif", "none"):
            return EXIF if text == "exif" else NONE
        return cls("given", *map(float, text.split(",")))


EXIF, NONE = Place("exif"), Place("none")


@lru_cache(10_000)
def cell_at(latitude: float | None, longitude: float | None) -> str | None:
    """Return the H3 cell of a position, or None without one. The cell decides which animals a photo may show."""
    return None if latitude is None or longitude is None else text_of(cell_of(latitude, longitude))
