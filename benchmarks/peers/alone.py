"""What all servers of the comparison do for a photo, without a server: as fast as possible, on each core."""

import os
from concurrent.futures import ProcessPoolExecutor
from itertools import chain, cycle, pairwise
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter

from benchmarks.backends import Load
from benchmarks.measure import peak_memory
from benchmarks.peers.identifier import Identifier

CORES = os.process_cpu_count() or 1


def identify_alone(folder: Path, seconds: float) -> Load:
    """Identify the photos of a folder in turn for some seconds, as fast as possible. Return the figures."""
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


def measure_alone(photos: Path, seconds: float) -> tuple[Load, float, float]:
    """Identify without a server, one process per core. Return the load, and its processor time (s) and memory (MB).

    Call it once in a new process.
    """
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # as of the servers
    with peak_memory(os.getpid()) as peak, ProcessPoolExecutor(CORES, get_context("spawn")) as pool:
        loads = pool.map(identify_alone, [photos] * CORES, [seconds] * CORES)
        rates, times, answered, _ = zip(*loads, strict=True)
    taken = os.times()
    load = Load(sum(rates), [*chain.from_iterable(times)], sum(answered), 0)
    return load, taken.children_user + taken.children_system, peak()
