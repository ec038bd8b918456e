"""A peer of our server, which uses processors in its own way: `python -m benchmarks.peers.peer fastapi`, or `mosec`.

FastAPI and uvicorn work in one process: the endpoint is not async, so it runs in a thread pool, which is limited to the
photos that should be identified at the same time, as Starlette's documentation describes. mosec has a queue in Rust and
worker processes.
"""

import argparse
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

import anyio.to_thread
import mosec
import uvicorn
from fastapi import Depends, FastAPI, Request, Response

from benchmarks.peers.identifier import Identifier

WORKERS = int(os.environ.get("PEER_WORKERS", "2"))
"""Photos that the peer identifies at the same time."""
TIMEOUT_MS = 30_000
"""Longest time of a request with mosec. With its default of 3 s, requests would fail on a busy machine."""


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


if __name__ == "__main__":
    options = argparse.ArgumentParser(description="Serve the model with another server.")
    options.add_argument("server", choices=("fastapi", "mosec"))
    options.add_argument("--port", type=int, default=8000)
    chosen = options.parse_args()
    (serve_fastapi if chosen.server == "fastapi" else serve_mosec)(chosen.port)
