"""A server of LitServe with worker processes: `python -m benchmarks.peers.server_litserve`.

ZeroMQ carries requests to the workers (`fast_queue`). LitServe's documentation recommends this for 100 requests per
second or more.
"""

import argparse
from collections.abc import Sequence
from typing import Annotated, Any

import litserve
import numpy as np
from fastapi import Body, Response
from numpy.typing import NDArray

from benchmarks.peers.identifier import BATCH, WORKERS, Identifier
from chalicelib.model.session import Scores

BATCH_SECONDS = 0.005
"""Longest time to wait for a full batch."""


class Api(litserve.LitAPI):  # type: ignore[misc]
    """The endpoint, which decodes each photo, scores photos singly or in batches, and returns an answer for each."""

    def setup(self, device: str) -> None:  # noqa: ARG002  there is only one
        """Load the model in a worker process."""
        self.identifier = Identifier()

    def decode_request(
        self, request: Annotated[bytes, Body(media_type="application/octet-stream")]
    ) -> NDArray[np.uint8]:
        """Return the pixels of a photo."""
        return self.identifier.decode(request)

    def batch(self, inputs: Sequence[NDArray[np.uint8]]) -> Sequence[NDArray[np.uint8]]:
        """Return the photos of a batch."""
        return inputs

    def predict(self, x: Any) -> Any:
        """Return the scores of a photo, or of a batch of them."""
        return self.identifier.score(x) if BATCH > 1 else self.identifier.score([x])[0]

    def unbatch(self, output: list[Scores]) -> list[Scores]:
        """Return the scores of the photos of a batch."""
        return output

    def encode_response(self, output: Scores) -> Response:
        """Return the response for a photo."""
        return Response(self.identifier.answer(output), media_type="application/json")


def main() -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(description="Serve the model with LitServe.")
    parser.add_argument("--port", type=int, default=8000)
    api = Api(max_batch_size=BATCH, batch_timeout=BATCH_SECONDS if BATCH > 1 else 0.0, api_path="/identify")
    server = litserve.LitServer(api, accelerator="cpu", devices=1, workers_per_device=WORKERS, fast_queue=True)
    server.run(port=parser.parse_args().port, num_api_servers=1, log_level="warning", generate_client_file=False)


if __name__ == "__main__":
    main()
