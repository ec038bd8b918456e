"""Print what the command says: answers on standard output; all else, such as progress, on standard error.

`--log FILE` keeps what happened and when, for people who look at it the next morning.
"""

import logging
import re
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from io import TextIOWrapper
from pathlib import Path
from threading import Event, Thread
from time import monotonic

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from chalicelib.redaction import inert
from faunalens.words import count

MOST_FAULTS = 10  # most photos without an answer that a summary names; `faunalens status` names all
CLEAR = "\r\x1b[2K"  # empties the line of a terminal, which may have a bar
FIRST_LINE, LINE_EVERY = 2.0, 10.0  # seconds to, and between, lines about progress, where no terminal shows a bar
LOG = logging.getLogger("faunalens")
"""Gets what the command says, and every photo without an answer. Without `--log`, it writes nothing."""
LOG.propagate = False
LOG.addHandler(logging.NullHandler())


class _OneLine(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return shown(super().format(record))


def open_log(path: Path) -> None:
    """Append to a file what is logged from now on. Raises `OSError`, and `ValueError` if it is a results file."""
    with path.open("ab+") as file:
        file.seek(0)
        if file.read(6) == b"SQLite":
            raise ValueError(f"{path} is a results file; choose another name")
    handler = logging.FileHandler(path, encoding="utf-8", errors="backslashreplace")
    handler.setFormatter(_OneLine("%(asctime)s %(levelname)s %(message)s"))
    LOG.addHandler(handler)
    LOG.setLevel(logging.INFO)


def close_log(code: int) -> None:
    """Log the exit code, and close the log if there is one."""
    LOG.info("ended with code %d", code)
    for handler in LOG.handlers[1:]:
        LOG.removeHandler(handler)
        handler.close()


def prepare() -> Event:
    """Let standard output print any name, even on Windows, and let every signal that ends a process act as Ctrl-C.

    Return an event that such a signal sets: it tells an interrupt from the error that SQLite makes of it.
    """
    stopped = Event()

    def stop(*_: object) -> None:
        stopped.set()
        raise KeyboardInterrupt

    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(encoding=stream.encoding if stream.isatty() else "utf-8", errors="backslashreplace")
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK"):  # Windows has no SIGHUP, and others no SIGBREAK
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:  # as nohup does with SIGHUP
            signal.signal(number, stop)
    return stopped


def warn(text: str) -> None:
    """Print a message to standard error, and log it."""
    LOG.warning(text)
    click.echo(f"{CLEAR if _console().is_interactive else ''}faunalens: {inert(text)}", err=True)


def _console() -> Console:
    """Return standard error; `is_interactive` if it can show a bar: not with TERM=dumb, nor a file with FORCE_COLOR."""
    return Console(stderr=True, force_terminal=None if sys.stderr.isatty() else False)


def say(text: str, *, err: bool = False) -> None:
    """Print text, with control characters escaped: names from strangers may contain some that a terminal would obey."""
    click.echo(inert(text), err=err)


def say_json(text: str) -> None:
    """Print JSON. Escape characters that a terminal would obey, such as U+009B."""
    click.echo("".join(each if each.isprintable() else _escaped(each) for each in text))


def _escaped(character: str) -> str:
    return re.sub("....", r"\\u\g<0>", character.encode("utf-16-be", "surrogatepass").hex())


def shown(text: str) -> str:
    """Return a text, such as a path, on one line, without control characters that a terminal would obey."""
    return inert(text, kept="")


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:.1f} photos/s" if task.speed else "", style="progress.data.speed")


@contextmanager
def photo_progress(done: int, total: int, doing: str = "identifying") -> Iterator[Callable[[int], None]]:
    """Show how many photos are done, how fast, and how long the rest takes: as a bar on a terminal, else in lines.

    Yield a function to call with the number of photos done so far, of `total`; it includes `done`, an earlier run's.
    """
    console, started, reached = _console(), monotonic(), done
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), _Rate(), TimeRemainingColumn())
    with (
        Progress(*columns, console=console, disable=not console.is_interactive, speed_estimate_period=60) as progress,
        _lines(lambda: progress_line(doing, reached, total, (reached - done) / (monotonic() - started)), console),
    ):
        task = progress.add_task(doing, total=total, completed=done)

        def reach(number: int) -> None:
            nonlocal reached
            reached = number
            progress.update(task, completed=number)

        yield reach


def progress_line(doing: str, done: int, total: int, rate: float) -> str:
    """Return a line about progress. `rate`: photos a second.

    >>> progress_line("identifying", 1200, 10_000, 12.5)
    'identifying: 1,200 of 10,000 photos, 12.5 a second, 0:11:44 left'
    """
    left = f", {rate:.1f} a second, {timedelta(seconds=round((total - done) / rate))} left" if rate else ""
    return f"{doing}: {done:,} of {count(total, 'photo')}{left}"


@contextmanager
def waiting(text: str) -> Iterator[None]:
    """Show a text to the user while the block runs."""
    console = _console()
    with console.status(text) if console.is_interactive else _lines(lambda: f"{text} …", console):
        yield


@contextmanager
def _lines(text: Callable[[], str], console: Console) -> Iterator[None]:
    """While the block runs, log and print what `text` returns every few seconds; beside a bar, only log it."""
    ended = Event()

    def repeat() -> None:
        wait = FIRST_LINE
        while not ended.wait(wait):
            wait = LINE_EVERY
            LOG.info(text())
            if not console.is_interactive:
                click.echo(f"faunalens: {text()}", err=True)

    thread = Thread(target=repeat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
