"""What several threads ask of a model at the same time goes through it together, as a GPU wants it."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from threading import Lock

MOST = 8
"""Photos in a batch, at most: their pixels have to fit into a GPU's memory."""


class Gathered[T, R]:
    """Calls `work` for all that waits, a batch at a time. While one runs, the next one fills. Thread-safe."""

    def __init__(self, work: Callable[[Sequence[T]], Sequence[R]], most: int = MOST) -> None:
        self._work, self._most = work, most
        self._turn, self._waiting = Lock(), list[tuple[T, Future[R]]]()

    def __call__(self, item: T) -> R:
        """Return what `work` returns for an item. What it raises is raised for its whole batch."""
        mine: Future[R] = Future()
        self._waiting.append((item, mine))
        with self._turn:
            while not mine.done():  # else another thread's batch had it
                batch = self._waiting[: self._most]
                del self._waiting[: len(batch)]  # more may have come since
                try:
                    results = self._work([each for each, _ in batch])
                except Exception as error:  # noqa: BLE001, it is raised in each thread
                    for _, future in batch:
                        future.set_exception(error)
                else:
                    for (_, future), result in zip(batch, results, strict=True):
                        future.set_result(result)
        return mine.result()
