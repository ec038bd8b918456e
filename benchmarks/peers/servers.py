"""The servers that are compared, with their settings, and how they are started."""

import http.client
import os
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple, Self

from local import NotReady
from local.stack.child_process import ChildProcess, alive, descendants
from local.stack.ports import HOST, free_port

CORES = os.process_cpu_count() or 1
OURS, FIRST_LOOK, ALONE = "ours", "ours, first look only", "decoding and model alone"
START_SECONDS = 60.0
START_ATTEMPTS = 3
"""Another program may take the free port before the server does."""
WARM_UP_PHOTOS = 20


class Server(NamedTuple):
    """A module to run, its environment variables, and its name if it is a peer, which has an environment of its own."""

    module: str
    environment: Mapping[str, str] = MappingProxyType({})
    peer: str = ""

    @classmethod
    def of_peer(cls, name: str, workers: int, threads: int) -> Self:
        """Return the server of a peer. `threads`: of each worker."""
        return cls("benchmarks.peers.peer", {"PEER_WORKERS": str(workers), "PEER_THREADS": str(threads)}, name)


SERVERS = {
    # No server turns photos away in this comparison.
    OURS: Server("web", {"HTTP_QUEUE_SECONDS": "30", "SECOND_LOOK": "true"}),
    FIRST_LOOK: Server("web", {"HTTP_QUEUE_SECONDS": "30", "SECOND_LOOK": "false"}),
    "FastAPI": Server.of_peer("fastapi", CORES, 1),
    "FastAPI, all cores": Server.of_peer("fastapi", CORES, CORES),
    "mosec": Server.of_peer("mosec", CORES, 1),
    "mosec, all cores": Server.of_peer("mosec", 1, CORES),
}
"""By default each core works on a photo of its own. With "all cores", they share the inference of one photo."""
PEERS = tuple(name for name, each in SERVERS.items() if each.peer)


@contextmanager
def served(
    server: Server, python: Path, environment: Mapping[str, str], log: Path, photo: bytes
) -> Iterator[tuple[int, str]]:
    """Run a server until the end of the block; yield its process id and the address for photos.

    Before the block, `photo` is sent until the server answers it, and then a few more times as a warm-up. Raises
    `NotReady`.
    """
    variables = {**os.environ, "OPENBLAS_NUM_THREADS": "1", **environment, **server.environment}
    child, port = _started(server, python, variables, log, photo)
    for _ in range(WARM_UP_PHOTOS):
        _answers(port, photo)
    family = descendants(child.pid)
    try:
        yield child.pid, f"http://{HOST}:{port}/identify"
    finally:
        child.stop()
        for pid in family:  # some servers leave processes behind
            if alive(pid):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)


def _started(
    server: Server, python: Path, variables: Mapping[str, str], log: Path, photo: bytes
) -> tuple[ChildProcess, int]:
    """Start a server; if this fails, try again on other ports. Return its process and port. Raises `NotReady`."""
    attempts = START_ATTEMPTS
    while True:
        attempts -= 1
        port = free_port()
        name = [server.peer] if server.peer else []
        command = [python if name else sys.executable, "-m", server.module, *name, "--port", str(port)]
        child = ChildProcess(server.module, command, log=log, environment=variables)
        child.start()
        try:
            child.wait_until(partial(_answers, port, photo), START_SECONDS)
        except NotReady:
            child.kill()
            if not attempts:
                raise
        else:
            return child, port


def _answers(port: int, photo: bytes) -> bool:
    try:
        with closing(http.client.HTTPConnection(HOST, port, timeout=START_SECONDS)) as connection:
            connection.request("POST", "/identify", photo, {"Content-Type": "application/octet-stream"})
            return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
