"""Smoke-test a deployment: check its health, list the animals of a place, and identify a generated photo."""

import io
import json
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from chalicelib.api.rate_limits import KEY_HEADER
from chalicelib.features.cells import center_of
from chalicelib.features.warming import read_places
from infra.polling import poll
from infra.step import Echo, PreconditionFailed

STRIDE = 24  # places of one country are next to each other in the list, so try every 24th place first
PATIENCE = 120.0  # seconds to wait for a healthy response; a paused database takes up to 30
PAUSE = 3.0
TIMEOUT = 30.0  # seconds for one request; API Gateway gives up after 29

AskHealth = Callable[[], dict[str, Any]]

_HELP = "docs/how-to/runbook.md says how to investigate"


def check(url: str, echo: Echo, ask_health: AskHealth | None = None, key: str = "") -> None:
    """Test a deployment. Raise `PreconditionFailed` at the first wrong response. `url` must end with a slash.

    `ask_health`: a function that returns the health of every part; by default by HTTP, which API Gateway's callers may
    not. `key`: API key to send.
    """
    health = _wait_for_health(ask_health or partial(_request, f"{url}health?deep=true"))
    for part in ("model", "cache", "database"):
        state = health[part]
        echo(f"{part:<9} {state['state']} {state['detail'] or ''}".rstrip())
        if state["state"] != "ok":
            raise PreconditionFailed(f"{part} is {state['state']} ({state['detail']}); {_HELP}")
    place = _place_with_animals(url, echo, key)
    answer = _request(f"{url}identify?{place}", _photo(), key)
    mode = answer["features"]["mode"]
    echo(f"identify  {answer['message']} ({mode}, {answer['timings_ms']['total']:.0f} ms)")
    if mode != "narrowed":
        raise PreconditionFailed(f"features.mode of an identification is {mode}, expected narrowed; {_HELP}")


def _place_with_animals(url: str, echo: Echo, key: str) -> str:
    """Return the query string of the first place with animals.

    A fixed place would not work for everyone: a team's own data may cover only a few countries.
    """
    places = read_places()
    for cell in [cell for first in range(STRIDE) for cell in places[first::STRIDE]]:
        latitude, longitude = center_of(cell)
        place = f"lat={latitude:.1f}&lon={longitude:.1f}"
        found = _request(f"{url}animals?{place}", key=key)
        mode, count = found["features"]["mode"], len(found["animals"])
        if mode == "degraded":
            raise PreconditionFailed(f"the animals of {place} could not be read: features.mode is degraded; {_HELP}")
        if mode == "narrowed" and count:
            areas = ", ".join(found["location"]["areas"])
            echo(f"animals   {count} live around {place} ({areas}), features from {found['features']['cache']}")
            return place
    raise PreconditionFailed(
        "no place in database/places.csv has animals; load the data, or add places that your data covers"
    )


def _wait_for_health(ask_health: AskHealth) -> dict[str, Any]:
    """Wait up to `PATIENCE` seconds until the health status is `ok`. Return the last health response."""
    for _ in poll(PAUSE, PATIENCE):
        with suppress(PreconditionFailed):
            health = ask_health()
            if health["status"] == "ok":
                return health
    return ask_health()


def _request(url: str, photo: bytes | None = None, key: str = "") -> dict[str, Any]:
    """Return the JSON of a response. If the API throttles the request, wait for up to `PATIENCE` seconds."""
    headers = {"Content-Type": "image/jpeg", "Accept": "application/json"} if photo else {}
    headers |= {KEY_HEADER: key} if key else {}
    for _ in poll(1.0, PATIENCE):
        with suppress(_Throttled):
            return _send(Request(url, photo, headers))  # noqa: S310  our own deployment
    raise PreconditionFailed(f"{url} was throttled for {PATIENCE:.0f} s; {_HELP}")


class _Throttled(Exception):
    """Too many requests came at once."""


def _send(request: Request) -> dict[str, Any]:
    url = request.full_url
    try:
        with urlopen(request, timeout=TIMEOUT) as response:  # noqa: S310  our own deployment
            answer: dict[str, Any] = json.load(response)
            return answer
    except HTTPError as error:
        body = error.read().decode(errors="replace")
        if error.code == 429:
            raise _Throttled from error
        if error.code == 503 and url.partition("?")[0].endswith("/health") and '"model"' in body:
            failing: dict[str, Any] = json.loads(body)
            return failing
        raise PreconditionFailed(f"{url} returned status {error.code}: {body[:500]}; {_HELP}") from error
    except (URLError, TimeoutError, ValueError) as error:
        raise PreconditionFailed(f"{url} did not respond: {error}; {_HELP}") from error


def _photo() -> bytes:
    """Return a JPEG without an animal. That is enough, because this tests the service and not the model."""
    from PIL import Image

    out = io.BytesIO()
    Image.effect_mandelbrot((640, 480), (-2.0, -1.2, 0.8, 1.2), 100).convert("RGB").save(out, "JPEG")
    return out.getvalue()
