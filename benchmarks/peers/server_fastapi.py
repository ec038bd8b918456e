"""A server of FastAPI, uvicorn and onnxruntime in one process: `python -m benchmarks.peers.server_fastapi`.

The endpoint is not async, so FastAPI runs it in a thread pool. The pool is limited to the number of photos that should
be identified at the same time, as Starlette's documentation describes.
"""

import argparse
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

import anyio.to_thread
import uvicorn
from fastapi import Depends, FastAPI, Request, Response

from benchmarks.peers.identifier import WORKERS, Identifier


async def body_of(request: Request) -> bytes:
    """Return the whole body of a request."""
    body: bytes = await request.body()
    return body


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    """Limit the thread pool to `WORKERS` threads."""
    anyio.to_thread.current_default_thread_limiter().total_tokens = WORKERS
    yield


def main() -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(description="Serve the model with FastAPI.")
    parser.add_argument("--port", type=int, default=8000)
    identifier = Identifier()

    def identify(photo: Annotated[bytes, Depends(body_of)]) -> Response:
        return Response(identifier.identify(photo), media_type="application/json")

    app = FastAPI(lifespan=lifespan)
    app.add_api_route("/identify", identify, methods=["POST"])
    uvicorn.run(app, port=parser.parse_args().port, loop="uvloop", http="httptools", access_log=False)


if __name__ == "__main__":
    main()
