"""Identify photos in this process: `identify` as every transport calls it, with one thread a photo."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Final, Literal
from uuid import uuid4

from chalicelib.api.answers import answer_of
from chalicelib.config.settings import Settings
from chalicelib.errors import ClientError, HTTPError, LocationInvalid, LocationMissing
from chalicelib.features.cell_features import CellFeatures
from chalicelib.identification import IdentifyRequest
from chalicelib.identify import identify
from chalicelib.location import Location
from chalicelib.services import Services, patient_features
from chalicelib.telemetry.record import Record
from cli.engines.cell_file import CellFile, NoCache
from cli.engines.engine import Identified, Refused
from cli.errors import CommandError
from cli.results import Place

LONG = 30 * 86_400.0
"""Seconds for which a run trusts the features that it has looked up: longer than it lasts."""

_NEEDED: Final[Mapping[str, Literal["required", "optional"]]] = {
    "given": "required",
    "exif": "required",
    "none": "optional",
}
"""Whether a photo needs a location, by the source of its place."""


class LocalEngine:
    """The models of this process. `top`: number of candidates in an answer. `boxes`: whether to look for boxes."""

    def __init__(self, services: Services, top: int, *, boxes: bool) -> None:
        self._services, self._top = services, top
        self._request = IdentifyRequest(boxes=boxes or None)

    @classmethod
    def build(
        cls,
        settings: Settings,
        environment: Mapping[str, str],
        top: int,
        say: Callable[[str], None],
        *,
        boxes: bool = False,
    ) -> "LocalEngine":
        """Load the models. Features come from the stores that the environment names, or else from this release's data.

        Raises `ModelError`, and `CommandError` if boxes are wanted without a detector. `say`: told what takes long.
        """
        if not environment.get("MODEL_THREADS"):
            # For several photos at once, one thread a photo is fastest.
            settings = replace(settings, model=replace(settings.model, threads=1))
        settings = of_a_run(settings)
        services = Services.build(settings, _features(settings, environment, say))
        if boxes and services.recogniser.detector.get() is None:
            raise CommandError(
                "there is no detector, so boxes cannot be found; `make setup` builds it, or omit --boxes"
            )
        return cls(services, top, boxes=boxes)

    def identify(self, data: bytes, place: Place, shift: float = 0.0) -> Identified:
        """Identify the animal in a photo."""
        request = replace(self._request, location=_location(place), place=_NEEDED[place.source], shift=shift)
        try:
            found = identify([data], request, self._services, record := Record(str(uuid4()), "/identify"))
        except HTTPError as error:
            is_lasting = isinstance(error, ClientError) and not isinstance(error, (LocationMissing, LocationInvalid))
            raise Refused(error.code, error.detail, is_lasting=is_lasting) from error
        answer = asdict(answer_of(found, record.request_id, self._top))
        text = json.dumps(answer, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        return Identified(text, found.features.mode, found.photos[0])


def _location(place: Place) -> Location | None:
    if place.latitude is None or place.longitude is None:
        return None
    return Location(place.latitude, place.longitude, "request")


def of_a_run(settings: Settings) -> Settings:
    """Return settings with which a run looks up each place once, however long it lasts, and waits for a sign-in."""
    policy = replace(settings.features, fresh=LONG, version=LONG, total=settings.database.sign_in)
    return replace(settings, features=policy)


def _features(settings: Settings, environment: Mapping[str, str], say: Callable[[str], None]) -> CellFeatures:
    """Return the features of cells. A run waits for a sign-in to its stores, unlike a request."""
    if any(environment.get(name) for name in ("DATABASE_URL", "REDIS_URL")):
        return patient_features(settings)
    cache = environment.get("XDG_CACHE_HOME")
    folder = (Path(cache) if cache else Path.home() / ".cache") / "faunalens"
    return CellFeatures(NoCache(), CellFile.of(settings.model.path, folder, say), settings.features)
