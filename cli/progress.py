"""Progress on a terminal: how many photos, how fast, how long still. Nothing if standard error is no terminal."""

from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:.1f} photos/s" if task.speed else "", style="progress.data.speed")


class PhotoProgress:
    """The progress of a run. `done`, `total`: photos that an earlier run did, and all. `doing`: what it does."""

    def __init__(self, done: int, total: int, doing: str = "identifying") -> None:
        console = Console(stderr=True)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), _Rate(), TimeRemainingColumn())
        self._progress = Progress(*columns, console=console, disable=not console.is_terminal, speed_estimate_period=60)
        self._task = self._progress.add_task(doing, total=total, completed=done)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def advance(self) -> None:
        """Note that one more photo is done."""
        self._progress.advance(self._task)

    def reach(self, done: int) -> None:
        """Note how many photos are done in all."""
        self._progress.update(self._task, completed=done)


@contextmanager
def waiting(text: str) -> Iterator[None]:
    """Show on a terminal that something takes a while."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield
        return
    with console.status(text):
        yield
