"""One container of a function: one process with awslambdaric, one event at a time, frozen in between.

As on Lambda: it is initialised for up to 10 s with the processor to itself, is stopped (SIGSTOP) as soon as its
runtime asks for the next event, and goes on when there is one. It is ended when its time is up, when its memory is
over the limit, or when it ended by itself; then it is not used again.
"""

import json
import os
import re
import signal
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from queue import Empty
from types import TracebackType
from typing import IO, Self
from uuid import uuid4

from local.lambda_sim.function import REGION, Function
from local.lambda_sim.report import Failed, Invoked, Report
from local.lambda_sim.runtime import Invocation, RuntimeApi, Said
from local.lambda_sim.sandbox import Sandbox
from local.stack.child import Child
from local.stack.errors import NotReady

INIT_PATIENCE = 10.0
"""Longest initialisation, seconds; on Lambda one that takes longer begins again as part of the first invocation."""
LOOK = 0.02
"""Seconds between two looks at a container that works: is it there, and is its memory within the limit?"""


class Container:
    """One container. Use it as a context manager: it is gone at the end.

    Parameters: function; place, of its package; name, for logs; log, file that takes what it prints; tell, is called
    with each line of the function's log.
    """

    def __init__(
        self, function: Function, place: Sandbox, name: str, log: Path, tell: Callable[[str], object] = lambda _: None
    ) -> None:
        self.name = name
        self.alive = False
        self.init: float | None = None
        self._function = function
        self._place = place
        self._log = log
        self._tell = tell
        self._stack = ExitStack()
        self._fresh = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    @property
    def pid(self) -> int:
        """Of its process, which leads a process group."""
        return self._child.pid

    def initialise(self) -> float:
        """Start it before there is an event, and freeze it; how long its initialisation took, milliseconds.

        Raises `Failed`, and TimeoutError after `INIT_PATIENCE`.
        """
        self._start(time.perf_counter() + INIT_PATIENCE)
        os.killpg(self.pid, signal.SIGSTOP)
        assert self.init is not None
        return self.init

    def invoke(self, event: bytes, request_id: str | None = None, trace_id: str = "") -> Invoked:
        """Hand it an event and wait for what comes of it; the first event initialises it.

        An event that ends the container leaves `alive` false. Not for two threads at a time.
        """
        request_id = request_id or str(uuid4())
        times: list[float] = []
        try:
            began, deadline = self._begin()
            times.append(began)
            self._tell(f"START RequestId: {request_id} Version: $LATEST")
            due = time.time() + deadline - time.perf_counter()
            self._api.offer(Invocation(request_id, event, due, self._function.arn, trace_id))
            said = self._hear(deadline)
            times.append(time.perf_counter())
            self._settle(deadline)
        except Failed as failure:
            self.end()
            said = failure.said(request_id)
            self._tell(json.loads(said.payload)["errorMessage"])
        times.append(time.perf_counter())
        self._pass_on_log()
        report = self._report(request_id, (times[-1] - times[0]) * 1e3)
        self._tell(f"END RequestId: {request_id}")
        self._tell(str(report))
        error = None if said.kind == "answer" else said.error_type
        return Invoked(said.payload, error, report, latency=(times[:2][-1] - times[0]) * 1e3)

    def end(self) -> None:
        """Kill it, as Lambda does with a container that is not needed any more."""
        if self.alive:
            self._memory_used = self._peak()
            self._child.kill()
            self._pass_on_log()
        self.alive = False
        self._stack.close()

    def _begin(self) -> tuple[float, float]:
        """Have it ready for an event; when its time began, and when it is up (`time.perf_counter`)."""
        if self.alive:
            os.killpg(self.pid, signal.SIGCONT)
            began = time.perf_counter()
            return began, began + self._function.timeout
        try:
            self._start(time.perf_counter() + INIT_PATIENCE)
            began = time.perf_counter()
        except TimeoutError:
            self.end()
            began = time.perf_counter()
            try:
                self._start(began + self._function.timeout)
            except TimeoutError:
                raise self._timed_out() from None
        return began, began + self._function.timeout

    def _start(self, deadline: float) -> None:
        """Start its process and wait until it asks for an event. Raises `Failed`, and TimeoutError."""
        self._api = self._stack.enter_context(RuntimeApi())
        command = self._place.command(self._environment())
        self._child = Child(self.name, command, log=self._log, environment={"PATH": os.defpath})
        self._stack.callback(self._child.kill)
        self._child.start()
        self._read: IO[bytes] = self._stack.enter_context(self._log.open("rb"))
        self._partial = b""
        self._born: float | None = None
        self._memory_used = 0
        self.alive = True
        try:
            self._listen(deadline)
            now = time.monotonic()
        finally:
            self._pass_on_log()
        self.init = (now - self._birth()) * 1e3

    def _birth(self) -> float:
        """When its process became Python with the runtime (`time.monotonic`): what came before is not Lambda's."""
        if self._born is None:
            raise NotReady(f"{self.name} did not start as on Lambda: {self._child.last_log_line()}")
        return self._born

    def _hear(self, deadline: float) -> Said:
        try:
            return self._listen(deadline)
        except TimeoutError:
            raise self._timed_out() from None

    def _listen(self, deadline: float) -> Said:
        """What the runtime says next. Raises `Failed` if there is no more of it, TimeoutError at the deadline."""
        while True:
            with suppress(Empty):
                said = self._api.said.get(timeout=LOOK)
                if said.kind == "init_error":
                    error = json.loads(said.payload)
                    raise Failed(error["errorType"], error["errorMessage"])
                return said
            if not self._child.running:
                code = self._child.wait()
                reason = f"signal: {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"
                raise Failed("Runtime.ExitError", f"Error: Runtime exited with error: {reason}")
            if self._peak() > self._function.memory:
                raise Failed("Runtime.OutOfMemory", "Error: Runtime exited with error: signal: killed")
            if time.perf_counter() > deadline:
                raise TimeoutError

    def _timed_out(self) -> Failed:
        return Failed("Sandbox.Timedout", f"Error: Task timed out after {self._function.timeout:.2f} seconds")

    def _settle(self, deadline: float) -> None:
        """Freeze it once it waits for the next event; one that does not is of no use any more."""
        try:
            self._listen(deadline)
            os.killpg(self.pid, signal.SIGSTOP)
        except (Failed, TimeoutError):
            self.end()

    def _report(self, request_id: str, duration: float) -> Report:
        used = self._peak() if self.alive else self._memory_used
        init, self._fresh = (self.init if self._fresh else None), False
        return Report(request_id, duration, self._function.memory, used, init)

    def _peak(self) -> int:
        """The most that was resident so far, MB: what Lambda's limit is held against."""
        with suppress(OSError):
            status = Path(f"/proc/{self.pid}/status").read_text()
            if match := re.search(r"VmHWM:\s+(\d+) kB", status):
                return round(int(match[1]) / 1024)
        return self._memory_used

    def _pass_on_log(self) -> None:
        """Tell what it has printed since the last time, line by line."""
        if self._read.closed:
            return
        *lines, self._partial = (self._partial + self._read.read()).split(b"\n")
        for line in lines:
            text = line.decode("utf-8", "replace")
            if self._born is None and text.startswith("INIT_START "):
                self._born = float(text.split()[1])
                text = f"INIT_START Runtime Version: python:{sys.version_info.major}.{sys.version_info.minor}"
            self._tell(text)

    def _environment(self) -> Mapping[str, str]:
        """The process's environment: the function's, and what Lambda sets.

        https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
        """
        function = self._function
        return {
            **function.environment,
            "_HANDLER": function.handler,
            "AWS_ACCESS_KEY_ID": "nobody",
            "AWS_SECRET_ACCESS_KEY": "nobody",
            "AWS_SESSION_TOKEN": "nobody",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_REGION": REGION,
            "AWS_EXECUTION_ENV": f"AWS_Lambda_python{sys.version_info.major}.{sys.version_info.minor}",
            "AWS_LAMBDA_FUNCTION_NAME": function.name,
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory),
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{function.name}",
            "AWS_LAMBDA_LOG_STREAM_NAME": self.name,
            "AWS_LAMBDA_RUNTIME_API": self._api.address,
            "LANG": "en_US.UTF-8",
            "PATH": "/usr/local/bin:/usr/bin:/bin:/opt/bin",
            "TZ": ":UTC",
        }
