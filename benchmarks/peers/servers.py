"""The servers that are compared, with their settings, and how they are started."""

import os
import signal
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, suppress
from itertools import chain
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

from benchmarks.backends import post, served_app
from benchmarks.peers.client import Load
from benchmarks.peers.figures import Figures, peak_memory
from benchmarks.peers.identifier import identify_alone
from local.stack.child_process import alive, descendants
from local.stack.ports import HOST

CORES = os.process_cpu_count() or 1
OURS, FIRST_LOOK, ALONE = "ours", "ours, first look only", "decoding and model alone"
WARM_UP_PHOTOS = 20


class Server(NamedTuple):
    """A module to run and its environment variables. Only peers have arguments; they use another Python environment."""

    module: str
    environment: Mapping[str, str]
    arguments: tuple[str, ...] = ()


def _peer(name: str, workers: int, threads: int) -> Server:
    """Return the server of a peer. `threads`: of each worker."""
    return Server("benchmarks.peers.peer", {"PEER_WORKERS": str(workers), "PEER_THREADS": str(threads)}, (name,))


SERVERS = {
    # No server turns photos away in this comparison.
    OURS: Server("faunalens.web", {"HTTP_QUEUE_SECONDS": "30", "SECOND_LOOK": "true"}),
    FIRST_LOOK: Server("faunalens.web", {"HTTP_QUEUE_SECONDS": "30", "SECOND_LOOK": "false"}),
    "FastAPI": _peer("fastapi", CORES, 1),
    "FastAPI, all cores": _peer("fastapi", CORES, CORES),
    "mosec": _peer("mosec", CORES, 1),
    "mosec, all cores": _peer("mosec", 1, CORES),
}
"""By default each core works on a photo of its own. With "all cores", they share the inference of one photo."""
PEERS = tuple(name for name, each in SERVERS.items() if each.arguments)


@contextmanager
def served(
    server: Server, python: Path, environment: Mapping[str, str], log: Path, photo: bytes
) -> Iterator[tuple[int, str]]:
    """Run a server until the end of the block; yield its process id and the address for photos.

    Before, `photo` is sent until the server answers it, and then a few more times as a warm-up. Raises `NotReady`.
    """
    variables = {"OPENBLAS_NUM_THREADS": "1", **environment, **server.environment}
    module, program = (server.module, *server.arguments), python if server.arguments else sys.executable

    def answers(port: int) -> bool:
        return post(port, photo) == 200

    with served_app(variables, log, *module, python=program, is_ready=answers) as (child, port):
        for _ in range(WARM_UP_PHOTOS):
            answers(port)
        family = descendants(child.pid)
        try:
            yield child.pid, f"http://{HOST}:{port}/identify"
        finally:
            child.stop()
            for pid in filter(alive, family):  # some servers leave processes behind
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)


def measure_alone(photos: Path, seconds: float) -> Figures:
    """Return the figures of identifying without a server, one process per core. Call it once in a new process."""
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # as of the servers
    with peak_memory(os.getpid()) as peak, ProcessPoolExecutor(CORES, get_context("spawn")) as pool:
        loads = pool.map(identify_alone, [photos] * CORES, [seconds] * CORES)
        rates, times, answered, _ = zip(*loads, strict=True)
    taken = os.times()
    load = Load(sum(rates), [*chain.from_iterable(times)], sum(answered), 0)
    return Figures.of(load, taken.children_user + taken.children_system, peak())
