"""What a whole request costs over its bare work: `python -m benchmarks.request`.

Bare work is decoding and shrinking a 12 MP JPEG and one run of the model. Against it: the same photo through the app
without a socket (API Gateway's event in, response out), and over HTTP on loopback with keep-alive. Real PostgreSQL and
Valkey are behind the app; the cell is warm. Memory is the peak of a process of its own after 100 requests.
"""

import argparse
import http.client
import io
import os
import resource
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from typing import Any
from urllib.parse import urlencode

import numpy as np

from benchmarks.backends import behind
from benchmarks.measure import interleaved, milliseconds, ratio, table
from local.stack.ports import HOST, free_port
from testing.pictures import encoded, noise

QUERY = {"lat": "-33.9", "lon": "151.2"}
LIMITS = {"through the app": 1.10, "over HTTP": 1.25}
MEMORY_MB = 350


def photo_of_12_megapixels() -> bytes:
    """A JPEG of the size that phones make: 4000 × 3000."""
    return encoded(noise(4000, 3000), "JPEG", quality=85)


def event_of(photo: bytes) -> dict[str, Any]:
    """What API Gateway hands to the function, but for base64, which is measured by itself elsewhere."""
    return {
        "requestContext": {"httpMethod": "POST", "resourcePath": "/identify", "path": "/identify", "requestId": "b"},
        "headers": {"content-type": "image/jpeg"},
        "multiValueQueryStringParameters": {name: [value] for name, value in QUERY.items()},
        "pathParameters": None,
        "stageVariables": None,
        "body": photo,
        "isBase64Encoded": False,
    }


def compare(rounds: int) -> str:
    """The table: bare work, through the app, over HTTP."""
    import app
    from chalicelib.photo.decode import Limits, open_photo

    photo = photo_of_12_megapixels()
    parts = app.services()
    anywhere = np.ones(parts.model.animals, np.float32)

    def bare() -> None:
        parts.model.score(open_photo(photo, Limits()).pixels(parts.model.input_size), anywhere)

    def through_app() -> None:
        response = app.app(event_of(photo), None)
        assert response["statusCode"] == 200, response

    with keep_alive(app) as connection:

        def over_http() -> None:
            connection.request("POST", f"/identify?{urlencode(QUERY)}", photo, {"Content-Type": "image/jpeg"})
            response = connection.getresponse()
            body = response.read()
            assert response.status == 200, body

        cases = {"bare work": bare, "through the app": through_app, "over HTTP": over_http}
        interleaved(cases, 3)
        times = interleaved(cases, rounds)
    rows = [["bare work", milliseconds(times["bare work"]), "1", ""]]
    rows += [
        [name, milliseconds(times[name]), f"{ratio(times, name, 'bare work'):.3f}", f"at most {limit:.2f}"]
        for name, limit in LIMITS.items()
    ]
    return table([f"one {len(photo) / 1e6:.1f} MB, 12 MP JPEG", "median", "ratio", "wanted"], rows)


@contextmanager
def keep_alive(app: Any) -> Iterator[http.client.HTTPConnection]:
    """A connection to the app, served in this process as `make run` serves it; its access log goes nowhere."""
    from local.http.gateway import build_server

    port = free_port()
    server = build_server(app.app, HOST, port, photo_max_bytes=app.settings.photo_max_bytes)
    threading.Thread(target=server.server.serve_forever, daemon=True).start()
    connection = http.client.HTTPConnection(HOST, port)
    try:
        with redirect_stdout(io.StringIO()):
            yield connection
    finally:
        connection.close()
        server.shutdown()
        server.server.server_close()


def peak_memory() -> str:
    """The peak resident size of this process after 100 requests."""
    import app

    event = event_of(photo_of_12_megapixels())
    start = peak_megabytes()
    for _ in range(100):
        assert app.app(dict(event), None)["statusCode"] == 200
    row = ["after 100 requests of 12 MP", f"{peak_megabytes():.0f} MB", f"under {MEMORY_MB} MB"]
    return table(["peak memory of the process", "peak", "wanted"], [["before any", f"{start:.0f} MB", ""], row])


def peak_megabytes() -> float:
    """The largest resident size of this process so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1e6 if sys.platform == "darwin" else 1e3)


def main() -> None:
    """Start what is behind the app, and measure in processes of their own."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=40, help="requests of each kind (default: 40)")
    parser.add_argument("--part", choices=["time", "memory"], help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.part == "time":
        print(compare(arguments.rounds))
    elif arguments.part == "memory":
        print(peak_memory())
    else:
        with behind() as environment:
            for part in ("time", "memory"):
                command = [sys.executable, "-m", "benchmarks.request", "--part", part]
                command += ["--rounds", str(arguments.rounds)]
                subprocess.run(command, check=True, env={**os.environ, **environment})
                print(flush=True)


if __name__ == "__main__":
    main()
