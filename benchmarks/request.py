"""The cost of a whole request, compared with its bare work: `python -m benchmarks.request`.

The bare work decodes and shrinks a 12 MP JPEG and runs each model that looks at it, in the app's process and with its
threads. The made-up photo looks like a bird to the general model, so the pack of birds looks too. The bare work is
compared with two requests for the same photo, without a second look: an API Gateway event, which the app handles in the
same process, and one over HTTP on loopback, with keep-alive, to an app in another process. The app uses real PostgreSQL
and Valkey, and the features of the cell are cached. Peak memory, on Linux, is another process's after 100 requests.
"""

import http.client
import os
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import numpy as np

from benchmarks.backends import backends, served_app
from benchmarks.measure import comparison, in_new_process, interleaved, megabytes, options, targets
from local.stack.ports import HOST
from tests.support.pictures import encoded, noise

QUERY = {"lat": "-33.9", "lon": "151.2"}
LIMITS = {"through the app": 1.10, "over HTTP": 1.25}
MEMORY_LIMIT_MB = 350


def photo_of_12_megapixels() -> bytes:
    """Return a JPEG of 4000 × 3000 pixels, the size of a phone's photo."""
    return encoded(noise(4000, 3000), "JPEG", quality=85)


def event_of(photo: bytes) -> dict[str, Any]:
    """Return API Gateway's event for a photo. Its body is not base64, so its decoding is not measured."""
    return {
        "requestContext": {"httpMethod": "POST", "resourcePath": "/identify", "path": "/identify", "requestId": "b"},
        "headers": {"content-type": "image/jpeg"},
        "multiValueQueryStringParameters": {name: [value] for name, value in QUERY.items()},
        "pathParameters": None,
        "stageVariables": None,
        "body": photo,
        "isBase64Encoded": False,
    }


def time_table(rounds: int) -> str:
    """Return a table of the times of the bare work, of a request through the app, and of one over HTTP."""
    import app
    from chalicelib.config.settings import PhotoLimits
    from chalicelib.photo.photos import open_photo

    photo = photo_of_12_megapixels()
    services = app.application.services()
    models = services.recogniser.models
    model = models.general
    prior = np.ones(model.animals, np.float32)

    scored = models.score(open_photo(photo, PhotoLimits()).pixels(model.input_size))
    names = {each.pack.name for each in models.fuse([scored]).packs}
    packs = [each for each in models.packs if each.name in names]

    def bare_work() -> None:
        pixels = open_photo(photo, PhotoLimits()).pixels(model.input_size)
        model.score(pixels, prior)
        for pack in packs:
            pack.score(pixels)

    def through_app() -> None:
        response = app.app(event_of(photo), None)
        assert response["statusCode"] == 200, response

    with (
        tempfile.TemporaryDirectory() as folder,
        served_app({}, Path(folder) / "app.log") as (_, port),
        closing(http.client.HTTPConnection(HOST, port)) as connection,
    ):

        def over_http() -> None:
            connection.request("POST", f"/identify?{urlencode(QUERY)}", photo, {"Content-Type": "image/jpeg"})
            response = connection.getresponse()
            body = response.read()
            assert response.status == 200, body

        cases = {"bare work": bare_work, "through the app": through_app, "over HTTP": over_http}
        times = interleaved(cases, rounds, warm_up=3)
    return comparison(f"one {len(photo) / 1e6:.1f} MB, 12 MP JPEG", times, LIMITS)


def memory_table() -> str:
    """Return the table of this process's peak memory before and after 100 requests."""
    import app

    event = event_of(photo_of_12_megapixels())
    before = megabytes("VmHWM")
    for _ in range(100):
        assert app.app(dict(event), None)["statusCode"] == 200
    after, limit = megabytes("VmHWM"), MEMORY_LIMIT_MB
    rows = [
        ("before any request", f"{before:.0f} MB", "", None),
        ("after 100 requests of 12 MP", f"{after:.0f} MB", f"under {limit} MB", after < limit),
    ]
    return targets("peak memory of the process", rows)


def main() -> None:
    """Print the times of a request and the peak memory, each from a fresh process with one thread for numpy."""
    rounds = options(__doc__, rounds=(40, "number of requests of each kind")).rounds
    with backends() as environment:
        os.environ.update(environment, OPENBLAS_NUM_THREADS="1")
        print(in_new_process(time_table, rounds), in_new_process(memory_table), sep="\n\n")


if __name__ == "__main__":
    main()
