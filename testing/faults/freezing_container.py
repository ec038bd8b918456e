"""A container of its own process, which is frozen between its lookups, as Lambda does.

`python -m testing.faults.freezing_container` is that process. It takes cells from its input, one a line.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import closing
from time import monotonic
from typing import NamedTuple, Self

from testing.faults.case import ContainerLookup


class Reply(NamedTuple):
    """The result of a lookup. `seconds`: its duration. `opened`: the stores whose circuit breaker it opened."""

    mode: str
    cache: str
    faults: tuple[str, ...]
    seconds: float
    opened: tuple[str, ...]


class FreezingContainer:
    """A process that looks up cells. `freezes`: whether SIGSTOP freezes it after each lookup, until the next."""

    def __init__(self, variables: Mapping[str, str], *, freezes: bool) -> None:
        self._freezes = freezes
        self._process = subprocess.Popen(
            [sys.executable, "-m", "testing.faults.freezing_container"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={"PATH": os.defpath, **variables},
        )
        self._read_line()  # it is ready
        self._freeze()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def at(self, cell: int) -> Reply:
        """Look up a cell: thaw the process, wait for its reply, freeze it."""
        if self._freezes:
            self._process.send_signal(signal.SIGCONT)
        assert self._process.stdin is not None
        self._process.stdin.write(f"{cell}\n")
        self._process.stdin.flush()
        mode, cache, faults, seconds, opened = json.loads(self._read_line())
        self._freeze()
        return Reply(mode, cache, tuple(faults), seconds, tuple(opened))

    def _freeze(self) -> None:
        if self._freezes:
            self._process.send_signal(signal.SIGSTOP)

    def _read_line(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, f"the container exited with {self._process.wait()}"
        return line


def main() -> None:
    """Look up each cell of standard input. Print one line when ready, and one for each result."""
    import psycopg2  # noqa: F401 — so that the first lookup is not slower than the others

    with closing(ContainerLookup(os.environ)) as container:
        container.cache.prepare()  # as in the cold start
        print(flush=True)
        for line in sys.stdin:
            started = monotonic()
            features = container.at(int(line))
            seconds = monotonic() - started
            reply = Reply(features.mode, features.cache, features.faults, seconds, features.trace.opened)
            print(json.dumps(reply), flush=True)


if __name__ == "__main__":
    main()
