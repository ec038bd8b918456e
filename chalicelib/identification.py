"""The result of an identification, which each transport writes in its own form: `chalicelib.identify` makes it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from chalicelib.features.features import Features
from chalicelib.location import Location
from chalicelib.model.recogniser import Recognised
from chalicelib.photo.photos import PhotoFacts
from chalicelib.photo.quality import Quality

Source = Literal["exif", "request", "none"]


class IdentifyRequest(NamedTuple):
    """What a request says besides its photos.

    `location`: overrides those in EXIF. `place`: what to do if neither the request nor EXIF has a location: refuse, or
    use the photo alone; or `ignored`: always use the photo alone. `boxes`: whether to find boxes; None if the request
    does not say. `month`: when the photo was taken, 1 to 12; overrides EXIF. `shift`: seconds to add to the clock in
    EXIF.
    """

    location: Location | None = None
    place: Literal["required", "optional", "ignored"] = "required"
    boxes: bool | None = None
    month: int | None = None
    shift: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Identification:
    """What is known of an animal in a photo, or in several photos of it.

    `cell`: H3 cell of the location. `features`: of the cell, in the month of the photo. `quality`: of the first photo.
    `timings`: duration of each step, and of the request so far as `total`, in milliseconds.
    """

    photos: tuple[PhotoFacts, ...]
    location: Location | None = field(repr=False)
    cell: int | None
    features: Features
    recognised: Recognised
    quality: Quality
    timings: Mapping[str, float]

    @property
    def source(self) -> Source:
        """Return where the location comes from."""
        return self.location.source if self.location else "none"
