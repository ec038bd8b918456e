"""A server of mosec, which has a queue in Rust and worker processes: `python -m benchmarks.peers.server_mosec`."""

import sys

from mosec import Server, Worker

from benchmarks.peers.identifier import WORKERS, Identifier

TIMEOUT_MS = 30_000
"""Longest time of a request. With the default of 3 s, requests would fail on a busy machine."""


class Identify(Worker):  # type: ignore[misc]
    """A worker process, which gets the bytes of a photo and returns those of an answer."""

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


def main() -> None:
    """Serve until SIGTERM. mosec itself reads `--port` and its other options."""
    sys.argv += ["--timeout", str(TIMEOUT_MS)]
    server = Server()
    server.append_worker(Identify, num=WORKERS, route="/identify")
    server.run()


if __name__ == "__main__":
    main()
