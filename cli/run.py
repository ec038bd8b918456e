"""Work on many tasks at once, with as many in memory as there are workers."""

from collections.abc import Callable, Generator, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import islice

AHEAD = 2
"""Tasks in memory for each worker: one that it works on, and its next one."""


def in_parallel[T, R](work: Callable[[T], R], tasks: Iterable[T], workers: int) -> Generator[R]:
    """Yield the results of all tasks as they are done, in any order. What `work` raises is raised here.

    Threads are enough: decoding, scoring and hashing release the GIL. If the consumer stops, tasks that have begun are
    done and their results are lost.
    """
    left = iter(tasks)
    with ThreadPoolExecutor(workers) as pool:
        running: set[Future[R]] = set()
        try:
            while True:
                running |= {pool.submit(work, task) for task in islice(left, workers * AHEAD - len(running))}
                if not running:
                    return
                done, running = wait(running, return_when=FIRST_COMPLETED)
                for each in done:
                    yield each.result()
        finally:
            pool.shutdown(cancel_futures=True)
