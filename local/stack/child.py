"""A child process that never outlives the process that started it."""

import os
import platform
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from local.stack.errors import NotReady

# Reads one line from a pipe whose other end only the parent holds. "done" says that the child was stopped in
# order; the end of the pipe says that the parent is gone, even by kill -9, and the child has to follow.
# Unlike PR_SET_PDEATHSIG this works on macOS too, and does not depend on the thread that started the child.
WATCHDOG = """
read -r word; [ "$word" = done ] && exit 0
kill -"$2" "$1"; kill -CONT "$1"
tries=0
while kill -0 "$1" && [ "$tries" -lt 50 ]; do sleep 0.1; tries=$((tries + 1)); done
kill -KILL "$1"
"""
POLL = 0.005
"""Seconds between two looks at first; they grow to `SLOWEST`, as a hundredth of the time waited."""
SLOWEST = 0.1


class Child:
    """One process, its log and its watchdog. Use it as a context manager, or call `start` and `stop`.

    Parameters: name, for messages; command; log, file that takes the output of its last start (None: ours);
    environment, None for ours; stop_signal, ends it in order; orphan_signal, ends it when we are gone; patience,
    seconds from `stop_signal` to SIGKILL.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str | Path],
        *,
        log: Path | None = None,
        environment: Mapping[str, str] | None = None,
        stop_signal: signal.Signals = signal.SIGTERM,
        orphan_signal: signal.Signals = signal.SIGTERM,
        patience: float = 10.0,
    ) -> None:
        self.name = name
        self.log = log
        self.command = command
        self._environment = None if environment is None else dict(environment)
        self._stop_signal = stop_signal
        self._orphan_signal = orphan_signal
        self._patience = patience
        self._process: subprocess.Popen[bytes] | None = None
        self._watchdog: subprocess.Popen[bytes] | None = None
        self._paused: list[int] = []

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """Its process id; the child must have been started."""
        assert self._process is not None, f"{self.name} was not started"
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it, in a session of its own so that Ctrl-C reaches us alone and we stop it in order."""
        assert not self.running, f"{self.name} already runs"
        self.stop()
        output = self.log.open("wb") if self.log else None
        try:
            self._process = subprocess.Popen(
                [str(part) for part in self.command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT if output else None,
                env=self._environment,
                start_new_session=True,
            )
        finally:
            if output:
                output.close()
        self._watchdog = subprocess.Popen(
            ["sh", "-c", WATCHDOG, "watchdog", str(self.pid), self._orphan_signal.name.removeprefix("SIG")],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            start_new_session=True,
        )

    def stop(self) -> None:
        """ShutdownEvent it in order, by force after `patience`; nothing happens if it does not run."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(self._stop_signal)
            self.resume()
            try:
                self._process.wait(self._patience)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._dismiss()

    def kill(self) -> None:
        """SIGKILL to it and its descendants, which have no chance to say goodbye; returns when they are gone."""
        if self._process is not None and self.running:
            family = [self.pid, *descendants(self.pid)]
            for pid in family:
                _send(pid, signal.SIGKILL)
            self._process.wait()
            while any(alive(pid) for pid in family):
                time.sleep(POLL)
        self._dismiss()

    def pause(self) -> None:
        """SIGSTOP to it and all its descendants: it keeps its connections and answers nothing."""
        self._paused = [self.pid, *descendants(self.pid)]
        for pid in self._paused:
            _send(pid, signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT after `pause`."""
        for pid in self._paused:
            _send(pid, signal.SIGCONT)
        self._paused = []

    def wait(self, timeout: float | None = None) -> int:
        """Wait until it ends by itself; returns its exit code. Raises subprocess.TimeoutExpired."""
        assert self._process is not None, f"{self.name} was not started"
        return self._process.wait(timeout)

    def wait_until(self, ready: Callable[[], bool], timeout: float) -> None:
        """Poll `ready` until it is true. Raises `NotReady` if the child ends or `timeout` seconds pass."""
        started = time.monotonic()
        while not ready():
            if not self.running:
                raise NotReady(f"{self.name} ended with code {self.wait()}: {self.last_log_line()}")
            waited = time.monotonic() - started
            if waited > timeout:
                raise NotReady(f"{self.name} was not ready within {timeout:g} s: {self.last_log_line()}")
            time.sleep(min(max(POLL, waited / 100), SLOWEST))

    def last_log_line(self) -> str:
        """The last line of its log, for messages."""
        if self.log is None:
            return "see its output above"
        lines = self._output().strip().splitlines()
        return f"{lines[-1]} ({self.log})" if lines else f"it said nothing ({self.log})"

    @property
    def found_port_taken(self) -> bool:
        """Whether it ended because somebody was faster to take its port."""
        return not self.running and "Address already in use" in self._output()

    def _output(self) -> str:
        return self.log.read_text("utf-8", "replace") if self.log and self.log.exists() else ""

    def _dismiss(self) -> None:
        if self._watchdog is None:
            return
        self._watchdog.communicate(b"done\n")
        self._watchdog = None
        self._paused = []


def descendants(pid: int) -> list[int]:
    """Process ids of the children of `pid`, their children and so on."""
    table = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    rows = [line.split() for line in table.splitlines()]
    parents = {int(child): int(parent) for child, parent in rows}
    found: list[int] = []
    generation = [pid]
    while generation:
        generation = [each for each, parent in parents.items() if parent in generation]
        found += generation
    return found


def alive(pid: int) -> bool:
    """Whether the process runs; one that has ended and only waits to be noticed does not."""
    try:
        os.kill(pid, 0)
        # In a container nobody may be there to notice orphans.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return platform.system() != "Linux" and _listed(pid)
    except PermissionError:
        return True


def _listed(pid: int) -> bool:
    done = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return bool(done.stdout.strip()) and not done.stdout.strip().startswith("Z")


def _send(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)
