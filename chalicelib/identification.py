"""The request for an identification and its result. `chalicelib.identify` makes it; each transport formats it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from chalicelib.features.features import Features
from chalicelib.location import Location
from chalicelib.model.recogniser import Recognised
from chalicelib.photo.photos import PhotoFacts
from chalicelib.photo.pixels import Quality

Source = Literal["exif", "request", "none"]


class IdentifyRequest(NamedTuple):
    """The parameters of a request to identify photos.

    `location`: overrides the location in EXIF. `place`: what to do without a location. `required`: raise an error;
    `optional`: use the photo alone; `if_valid`: like `optional`, but an invalid location in EXIF counts as none;
    `ignored`: always use the photo alone. `boxes`: whether to find boxes; None: as the setting `BOXES` says. `month`:
    month in which the photo was taken, 1 to 12; overrides EXIF. `shift`: seconds to add to the time in EXIF.
    """

    location: Location | None = None
    place: Literal["required", "optional", "if_valid", "ignored"] = "required"
    boxes: bool | None = None
    month: int | None = None
    shift: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Identification:
    """The result of identifying the animal in a photo, or in several photos of it.

    `cell`: H3 cell of the location. `features`: the features of the cell, with the weights of the photo's month.
    `quality`: of the first photo. `timings`: milliseconds of each step, and of the request so far as `total`.
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
        """Return the source of the location: EXIF, the request, or none."""
        return self.location.source if self.location else "none"
