"""Child processes that always end with the process that started them, and embedded servers among them."""

import os
import signal
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import IO, Self

import psutil

from local import NotReady

# The watchdog reads one line from a pipe that only the parent can write to. The line "done" means that the parent has
# stopped the child. End of file means that the parent is gone, perhaps by kill -9, and the watchdog stops the child.
# PR_SET_PDEATHSIG would not work on macOS, and would stop the child when the thread that started it ends.
WATCHDOG = """
read -r line; [ "$line" = done ] && exit 0
kill -"$2" "$1"; kill -CONT "$1"
tries=0
while kill -0 "$1" && [ "$tries" -lt 50 ]; do sleep 0.1; tries=$((tries + 1)); done
kill -KILL "$1"
"""
POLL_INTERVAL = 0.005
"""Seconds between the first polls of `wait_until`. Later pauses are 1 % of the time that has passed."""
MAX_POLL_INTERVAL = 0.1


@dataclass(eq=False)
class ChildProcess:
    """A process with a log file and a watchdog. Use it as a context manager, or call `start` and `stop`."""

    name: str  # for messages
    command: Sequence[str | Path]
    _: KW_ONLY
    log: Path | None = None  # file for the output, emptied at each start; None: the output of this process
    environment: Mapping[str, str] | None = None  # None: the variables of this process
    stop_signal: signal.Signals = signal.SIGTERM  # sent by `stop`
    stop_timeout: float = 10.0  # seconds from `stop_signal` to SIGKILL
    orphan_signal: signal.Signals = signal.SIGTERM  # sent when the parent has exited
    inherited: Sequence[IO[str]] = ()  # open files that the child inherits

    def __post_init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._watchdog: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """Process id. Call `start` first."""
        assert self._process is not None, f"{self.name} was not started"
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the process has started and has not exited."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start the process in a new session. Ctrl-C then reaches only the parent, which stops the child."""
        assert not self.running, f"{self.name} already runs"
        self.stop()
        with self.log.open("wb") if self.log else nullcontext() as output:
            self._process = subprocess.Popen(
                [str(part) for part in self.command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT if output else None,
                env=self.environment,
                pass_fds=[file.fileno() for file in self.inherited],
                start_new_session=True,
            )
        self._watchdog = subprocess.Popen(
            ["sh", "-c", WATCHDOG, "watchdog", str(self.pid), self.orphan_signal.name.removeprefix("SIG")],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            start_new_session=True,
        )

    def stop(self) -> None:
        """Send `stop_signal`, then SIGKILL after `stop_timeout`. Do nothing if the process is not running."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(self.stop_signal)
            self.resume()
            try:
                self._process.wait(self.stop_timeout)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._end_watchdog()

    def kill(self) -> None:
        """Send SIGKILL to the process and its descendants. Return when all of them are gone."""
        if self._process is not None and self.running:
            family = [self.pid, *descendants(self.pid)]
            _send(family, signal.SIGKILL)
            self._process.wait()
            while any(alive(pid) for pid in family):
                time.sleep(POLL_INTERVAL)
        self._end_watchdog()

    def pause(self) -> None:
        """Send SIGSTOP to the process and its descendants. Their connections stay open but get no answers."""
        _send([self.pid, *descendants(self.pid)], signal.SIGSTOP)

    def resume(self) -> None:
        """Undo `pause` with SIGCONT."""
        _send([self.pid, *descendants(self.pid)], signal.SIGCONT)

    def wait(self, timeout: float | None = None) -> int:
        """Wait until the process exits by itself. Return its exit code. Raises subprocess.TimeoutExpired."""
        assert self._process is not None, f"{self.name} was not started"
        return self._process.wait(timeout)

    def wait_until(self, ready: Callable[[], bool], timeout: float) -> None:
        """Poll `ready` until it returns true. Raises `NotReady` if the process exits or `timeout` seconds pass."""
        started = time.monotonic()
        while not ready():
            if not self.running:
                raise NotReady(f"{self.name} exited with code {self.wait()}: {self.last_log_line()}")
            waited = time.monotonic() - started
            if waited > timeout:
                raise NotReady(f"{self.name} was not ready within {timeout:g} s: {self.last_log_line()}")
            time.sleep(min(max(POLL_INTERVAL, waited / 100), MAX_POLL_INTERVAL))

    def last_log_line(self) -> str:
        """Return the log's last fatal error, or else its last line, with the path of the log."""
        if self.log is None:
            return "see the output above"
        lines = self._output().strip().splitlines() or ["no output"]
        reason = next((line for line in reversed(lines) if "FATAL:" in line or "PANIC:" in line), lines[-1])
        return f"{reason} ({self.log})"

    def _output(self) -> str:
        return self.log.read_text("utf-8", "replace") if self.log and self.log.exists() else ""

    def _end_watchdog(self) -> None:
        if self._watchdog is not None:
            self._watchdog.communicate(b"done\n")
            self._watchdog = None


def descendants(pid: int) -> list[int]:
    """Return the process ids of all children of a process, of their children and so on."""
    try:
        return [each.pid for each in psutil.Process(pid).children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def alive(pid: int) -> bool:
    """Return whether a process is running. Zombies do not count: Docker containers may never reap them."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _send(pids: Sequence[int], number: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


class EmbeddedServer(ChildProcess, ABC):
    """A server program from a Python wheel, run as a child process. A subclass's constructor calls `choose_ports`."""

    port: int
    start_timeout: float
    _port_is_known = False  # to clients

    @abstractmethod
    def choose_ports(self) -> None:
        """Set the attribute `port` to a free one."""

    @abstractmethod
    def prepare(self) -> None:
        """Write the configuration, or set the command, for the current port."""

    @abstractmethod
    def ready(self) -> bool:
        """Return whether the server accepts requests."""

    def launch(self) -> None:
        """Start the server without waiting until it is ready."""
        self.prepare()
        super().start()

    def start(self) -> None:
        """Start the server and wait until it is ready. Retry on another port if the free one was taken meanwhile."""
        self.launch()
        while True:
            try:
                return self.wait_until_ready()
            except NotReady:
                if self.running or self._port_is_known or "Address already in use" not in self._output():
                    raise
                self.choose_ports()
                self.launch()

    def wait_until_ready(self) -> None:
        """Wait until the server is ready. Raises `NotReady`."""
        self.wait_until(self.ready, self.start_timeout)
        self._port_is_known = True
