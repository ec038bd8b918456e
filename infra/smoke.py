"""Whether a deployment answers: health down to the database, the animals of a place, a photo made up on the spot."""

import io
import json
from time import monotonic, sleep
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from chalicelib.features.cells import center_of
from chalicelib.features.warming import read_places
from infra.step import PreconditionFailed, Say

STRIDE = 24
"""Well-known places are asked for this far apart, since those of one country stand together in their list."""
PATIENCE = 120.0
"""Seconds for a first good answer: a database that has paused takes up to 30, a first start of the function a few."""
PAUSE = 3.0
TIMEOUT = 30.0
"""Seconds of one request; API Gateway gives up after 29."""


def check(url: str, say: Say) -> None:
    """Ask a deployment for everything once; `url` ends with a slash. Raises `PreconditionFailed` with what came instead."""
    started = monotonic()
    health = _until_ok(f"{url}health?deep=true", started)
    for part in ("model", "cache", "database"):
        state = health[part]
        say(f"{part:<9} {state['state']} {state['detail'] or ''}".rstrip())
        if state["state"] != "ok":
            raise PreconditionFailed(
                f"{part} is {state['state']} ({state['detail']}); docs/how-to/runbook.md says how to look"
            )
    place = _inhabited(url, say)
    answer = _ask(f"{url}identify?{place}", _photo())
    mode = answer["features"]["mode"]
    say(f"identify  {answer['message']} ({mode}, {answer['timings_ms']['total']:.0f} ms)")
    if mode != "narrowed":
        raise PreconditionFailed(
            f"the place did not narrow the answer: features.mode is {mode}; docs/how-to/runbook.md says how to look"
        )


def _inhabited(url: str, say: Say) -> str:
    """A place that the data knows, as a query; data of one's own may know a few countries only."""
    places = read_places()
    for cell in [cell for first in range(STRIDE) for cell in places[first::STRIDE]]:
        latitude, longitude = center_of(cell)
        place = f"lat={latitude:.1f}&lon={longitude:.1f}"
        found = _ask(f"{url}animals?{place}")
        mode, count = found["features"]["mode"], len(found["animals"])
        if mode == "degraded":
            raise PreconditionFailed(
                "the animals of a place could not be read: features.mode is degraded; docs/how-to/runbook.md helps"
            )
        if mode == "narrowed" and count:
            areas = ", ".join(found["location"]["areas"])
            say(f"animals   {count} live around {place} ({areas}), features from {found['features']['cache']}")
            return place
    raise PreconditionFailed(
        "no place of database/places.csv has animals; is the data loaded, and does the list suit it?"
    )


def _until_ok(url: str, started: float) -> dict[str, Any]:
    """The health, once every part is well or patience has run out."""
    while True:
        try:
            health = _ask(url)
            if health["status"] == "ok" or monotonic() - started > PATIENCE:
                return health
        except PreconditionFailed:
            if monotonic() - started > PATIENCE:
                raise
        sleep(PAUSE)


def _ask(url: str, photo: bytes | None = None) -> dict[str, Any]:
    headers = {"Content-Type": "image/jpeg", "Accept": "application/json"} if photo else {}
    try:
        with urlopen(Request(url, photo, headers), timeout=TIMEOUT) as response:  # noqa: S310  our own deployment
            answer: dict[str, Any] = json.load(response)
            return answer
    except HTTPError as error:
        said = error.read().decode(errors="replace")
        if error.code == 503 and url.partition("?")[0].endswith("/health") and '"model"' in said:
            failing: dict[str, Any] = json.loads(said)
            return failing
        raise PreconditionFailed(f"{url} answered {error.code}: {said[:500]}") from error
    except (URLError, TimeoutError, ValueError) as error:
        raise PreconditionFailed(f"{url} did not answer: {error}") from error


def _photo() -> bytes:
    """A picture of nothing: what is tested is the way, not the model."""
    from PIL import Image

    out = io.BytesIO()
    Image.effect_mandelbrot((640, 480), (-2.0, -1.2, 0.8, 1.2), 100).convert("RGB").save(out, "JPEG")
    return out.getvalue()
