"""A peer of our server, which uses processors in its own way: `python -m benchmarks.peers.peer fastapi`, or `mosec`.

`python -m benchmarks.peers.peer alone --photos FOLDER` does the same work without a server, as fast as it can be done.

Both do the same for a photo: our decoding, the same model, and our answer without a place. FastAPI and uvicorn work in
one process: the endpoint is not async, so it runs in a thread pool, which is limited to the photos that should be
identified at the same time, as Starlette's documentation describes. mosec has a queue in Rust and worker processes.
"""

import argparse
import json
import os
import sys
from collections.abc import AsyncIterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import asdict
from itertools import chain, cycle, pairwise
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter
from typing import Annotated

import anyio.to_thread
import mosec
import numpy as np
import uvicorn
from fastapi import Depends, FastAPI, Request, Response

from benchmarks.peers.client import Load
from chalicelib.config.settings import PhotoLimits, Settings
from chalicelib.model.session import OUTPUTS, Scores
from chalicelib.model.taxonomy import Taxonomy
from chalicelib.photo.decode import open_photo

WORKERS = int(os.environ.get("PEER_WORKERS", "2"))
"""Photos that the peer identifies at the same time."""
THREADS = int(os.environ.get("PEER_THREADS", "1"))
"""Threads of one inference."""
TIMEOUT_MS = 30_000
"""Longest time of a request with mosec. With its default of 3 s, requests would fail on a busy machine."""
LEAST = 0.7
"""Score from which the best animal is the prediction."""
TOP = 5
"""Candidates in an answer, as many as in ours."""


class Identifier:
    """A session of onnxruntime with `THREADS` threads, and the names of the animals."""

    def __init__(self) -> None:
        import onnxruntime

        settings = Settings()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = THREADS
        # As in our server: idle threads must not spin while other threads need the processors.
        options.add_session_config_entry("session.force_spinning_stop", "1")
        options.add_session_config_entry("session.intra_op.spin_duration_us", "2000")
        path = settings.model.path
        self._session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self._taxonomy = Taxonomy.read(path.with_name("labels.csv"), path.with_name("taxa.csv"))
        self._settings, self._limits = settings, PhotoLimits()
        self._size: int = self._session.get_inputs()[0].shape[1]

    def identify(self, photo: bytes) -> bytes:
        """Return the parts of our answer to a photo that do not depend on the place, as JSON."""
        pixels = open_photo(photo, self._limits).pixels(self._size)
        prior = np.ones((1, len(self._taxonomy.animals)), np.float32)
        outputs = self._session.run(list(OUTPUTS), {"image": pixels[np.newaxis], "prior": prior})
        scores = Scores(outputs[0][0], outputs[1][0], float(outputs[2][0]))
        has_animal = scores.animal_probability >= self._settings.thresholds.animal
        best = np.argsort(scores.probabilities)[: -TOP - 1 : -1].tolist()
        candidates = [
            {**asdict(self._taxonomy.animals[each].taxon), "score": round(float(scores.probabilities[each]), 4)}
            for each in best
        ]
        answer = {
            "prediction": candidates[0] if has_animal and candidates[0]["score"] >= LEAST else None,
            "candidates": candidates,
            "animal_probability": round(scores.animal_probability, 4),
        }
        return json.dumps(answer, separators=(",", ":"), ensure_ascii=False).encode()


async def body_of(request: Request) -> bytes:
    """Return the whole body of a request."""
    body: bytes = await request.body()
    return body


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    """Limit the thread pool to `WORKERS` threads."""
    anyio.to_thread.current_default_thread_limiter().total_tokens = WORKERS
    yield


def serve_fastapi(port: int) -> None:
    """Serve with FastAPI until SIGTERM."""
    identifier = Identifier()

    def identify(photo: Annotated[bytes, Depends(body_of)]) -> Response:
        return Response(identifier.identify(photo), media_type="application/json")

    app = FastAPI(lifespan=lifespan)
    app.add_api_route("/identify", identify, methods=["POST"])
    uvicorn.run(app, port=port, loop="uvloop", http="httptools", access_log=False)


class Identify(mosec.Worker):  # type: ignore[misc]
    """A worker process of mosec, which gets the bytes of a photo and returns those of an answer."""

    def __init__(self) -> None:
        super().__init__()
        self._identifier = Identifier()

    def deserialize(self, data: bytearray) -> bytes:
        """Return the body of a request."""
        return bytes(data)

    def forward(self, data: bytes) -> bytes:
        """Return the answer for a photo."""
        return self._identifier.identify(data)

    def serialize(self, data: bytes) -> bytes:
        """Return the body of a response."""
        return data


def serve_mosec(port: int) -> None:
    """Serve with mosec until SIGTERM. It reads its options from the command line."""
    sys.argv[1:] = ["--port", str(port), "--timeout", str(TIMEOUT_MS)]
    server = mosec.Server()
    server.append_worker(Identify, num=WORKERS, route="/identify")
    server.run()


def identify_alone(folder: Path, seconds: float) -> Load:
    """Identify the photos of a folder in turn for some seconds, and return the figures of this process."""
    identifier, photos = Identifier(), [path.read_bytes() for path in sorted(folder.iterdir())]
    for photo in photos:
        identifier.identify(photo)
    ends, begin = [], perf_counter()
    for photo in cycle(photos):
        identifier.identify(photo)
        ends.append(perf_counter())
        if ends[-1] - begin > seconds:
            break
    each = [end - start for start, end in pairwise([begin, *ends])]
    return Load(rate=len(ends) / (ends[-1] - begin), seconds=each, answered=len(ends) + len(photos), failed=0)


def work_alone(folder: Path, seconds: float) -> None:
    """Work in `WORKERS` processes, and print their figures together."""
    with ProcessPoolExecutor(WORKERS, get_context("spawn")) as pool:
        rates, times, answered, _ = zip(*pool.map(identify_alone, [folder] * WORKERS, [seconds] * WORKERS), strict=True)
    print(Load(sum(rates), [*chain.from_iterable(times)], sum(answered), 0).text())


def main() -> None:
    """Serve, or work without a server."""
    parser = argparse.ArgumentParser(description="Serve the model with another server, or use it without one.")
    parser.add_argument("server", choices=("fastapi", "mosec", "alone"))
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--photos", type=Path, help="folder of photos, for `alone`", metavar="FOLDER")
    parser.add_argument("--seconds", type=float, default=8.0, help="duration of `alone` (default: %(default)s)")
    options = parser.parse_args()
    if options.server == "alone":
        work_alone(options.photos, options.seconds)
    else:
        (serve_fastapi if options.server == "fastapi" else serve_mosec)(options.port)


if __name__ == "__main__":
    main()
