"""The containers of a function: processes that run awslambdaric, each of which works on one event at a time.

When the runtime asks for the next event, SIGSTOP freezes the process; the next event thaws it. A container is not used
again after it has exceeded its timeout or its memory limit, or after its process has exited. As on Lambda, a new event
goes to the container that worked most recently.
"""

import json
import os
import re
import signal
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import partial
from itertools import count
from math import ceil
from pathlib import Path
from queue import Empty
from threading import Condition
from typing import IO, NamedTuple, Self
from uuid import uuid4

from local import NotReady
from local.lambda_sim.runtime_api import Invocation, RuntimeApi, RuntimeMessage
from local.lambda_sim.sandbox import Sandbox
from local.stack.child_process import ChildProcess
from local.stack.ports import serving

ACCOUNT, REGION = "123456789012", "us-east-1"
"""The account number in the examples of AWS documentation. It belongs to no customer."""
API = "app.app"  # handler of the function that API Gateway invokes


@dataclass(frozen=True, slots=True)
class FunctionLimits:
    """A function's configuration: `memory` in MB, `timeout` in seconds, and at most `concurrency` containers."""

    name: str
    handler: str
    memory: int
    timeout: float
    environment: Mapping[str, str]
    concurrency: int

    @property
    def arn(self) -> str:
        """Amazon Resource Name of the function."""
        return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{self.name}"


class InvocationReport(NamedTuple):
    """The measurements of one invocation, as in Lambda's REPORT line: times in milliseconds, memory in MB."""

    request_id: str
    duration: float
    memory: int
    memory_used: int
    init: float | None  # duration of the initialisation; None if an earlier event has initialised the container

    def __str__(self) -> str:
        """Return the REPORT line of the function's log. Since August 2025 Lambda bills every initialisation."""
        init = "" if self.init is None else f"\tInit Duration: {self.init:.2f} ms"
        billed = ceil(self.duration + (self.init or 0.0))
        return (
            f"REPORT RequestId: {self.request_id}\tDuration: {self.duration:.2f} ms\tBilled Duration: {billed} ms\t"
            f"Memory Size: {self.memory} MB\tMax Memory Used: {self.memory_used} MB{init}"
        )


class InvocationResult(NamedTuple):
    """The result of one invocation."""

    payload: bytes  # the handler's result as JSON, or an object with `errorType` and `errorMessage`
    error: str | None  # type of the error; None after success
    report: InvocationReport  # its duration ends when the runtime asks for the next event


class ContainerFailure(Exception):
    """A container that failed before it responded, with the error type and the message that Lambda would report."""

    def __init__(self, error_type: str, message: str) -> None:
        super().__init__(message)
        self.error_type = error_type


INIT_TIMEOUT = 10.0
"""Seconds of initialisation that do not count toward the function's timeout. Lambda repeats longer ones."""
POLL_INTERVAL = 0.02  # seconds between two checks that a busy container still runs and is within its memory limit
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"


@dataclass(eq=False)
class Container:
    """One container of a Lambda function. Use it as a context manager; the end of the block kills the process."""

    function: FunctionLimits
    sandbox: Sandbox  # contains the function's package
    name: str  # identifies the container in logs
    log: Path  # receives the output of the process
    write_log: Callable[[str], object] = lambda _: None  # gets each line of the function's log

    def __post_init__(self) -> None:
        self.alive = False
        self.init: float | None = None
        self._stack = ExitStack()
        self._fresh = True
        self._python_started: float | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    @property
    def pid(self) -> int:
        """Id of the process and of its process group."""
        return self._child.pid

    def invoke(self, event: bytes, request_id: str | None = None, trace_id: str = "") -> InvocationResult:
        """Run the handler on an event. Start the process first if it is not running.

        `alive` is false afterwards if the event has ended the container. Only one thread may call this at a time.
        """
        request_id = request_id or str(uuid4())
        began = None
        try:
            if self.alive:
                os.killpg(self.pid, signal.SIGCONT)
            else:
                self._start(time.perf_counter() + INIT_TIMEOUT + self.function.timeout)
            began = time.perf_counter()
            deadline = began + self.function.timeout
            self.write_log(f"START RequestId: {request_id} Version: $LATEST")
            due = time.time() + deadline - time.perf_counter()
            self._api.events.put(Invocation(request_id, event, due, self.function.arn, trace_id))
            message = self._next_message(deadline)
            self._freeze_when_done(deadline)
        except ContainerFailure as error:
            self.end()
            text = f"RequestId: {request_id} {error}" if str(error).startswith("Error: ") else str(error)
            payload = json.dumps({"errorType": error.error_type, "errorMessage": text}, allow_nan=False)
            message = RuntimeMessage("error", payload.encode(), error.error_type)
            self.write_log(text)
        duration = 0.0 if began is None else time.perf_counter() - began
        self._forward_log()
        used = self._peak_memory() if self.alive else self._memory_used
        init, self._fresh = (self.init if self._fresh else None), False
        report = InvocationReport(request_id, duration * 1e3, self.function.memory, used, init)
        self.write_log(f"END RequestId: {request_id}")
        self.write_log(str(report))
        return InvocationResult(message.payload, None if message.kind == "response" else message.error_type, report)

    def end(self) -> None:
        """Kill the process, as Lambda does with a container that it no longer needs."""
        if self.alive:
            self._memory_used = self._peak_memory()
            self._child.kill()
            self._forward_log()
        self.alive = False
        self._python_started = None
        self._stack.close()

    def _start(self, deadline: float) -> None:
        """Start the process and wait until it asks for an event. Raises `ContainerFailure`."""
        self._api = self._stack.enter_context(serving(RuntimeApi()))
        self._stack.callback(self._api.events.put, None)
        command = self.sandbox.command(self._environment())
        self._child = ChildProcess(self.name, command, log=self.log, environment={"PATH": os.defpath})
        self._stack.callback(self._child.kill)
        self._child.start()
        self._output: IO[bytes] = self._stack.enter_context(self.log.open("rb"))
        self._partial_line = b""
        self._memory_used = 0
        self.alive = True
        try:
            self._next_message(deadline)
            now = time.time()
        finally:
            self._forward_log()
        if self._python_started is None:
            raise NotReady(f"{self.name} exited before Python started in its sandbox: {self._child.last_log_line()}")
        self.init = (now - self._python_started) * 1e3  # without the time that building the sandbox took

    def _next_message(self, deadline: float) -> RuntimeMessage:
        """Wait for the next message of the runtime. Raises `ContainerFailure`, also at the deadline."""
        while True:
            with suppress(Empty):
                message = self._api.messages.get(timeout=POLL_INTERVAL)
                if message.kind == "init_error":
                    error = json.loads(message.payload)
                    raise ContainerFailure(error["errorType"], error["errorMessage"])
                return message
            if not self._child.running:
                code = self._child.wait()
                reason = f"signal: {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"
                raise ContainerFailure("Runtime.ExitError", f"Error: Runtime exited with error: {reason}")
            if self._peak_memory() > self.function.memory:
                raise ContainerFailure("Runtime.OutOfMemory", "Error: Runtime exited with error: signal: killed")
            if time.perf_counter() > deadline:
                text = f"Error: Task timed out after {self.function.timeout:.2f} seconds"
                raise ContainerFailure("Sandbox.Timedout", text)

    def _freeze_when_done(self, deadline: float) -> None:
        """Freeze the process when its runtime asks for the next event. Kill it if the deadline passes first."""
        try:
            self._next_message(deadline)
            os.killpg(self.pid, signal.SIGSTOP)
        except ContainerFailure:
            self.end()

    def _peak_memory(self) -> int:
        """Return the peak resident memory of the process in MB. The function's memory limit applies to this value."""
        with suppress(OSError):
            if match := re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{self.pid}/status").read_text()):
                return round(int(match[1]) / 1024)
        return self._memory_used

    def _forward_log(self) -> None:
        """Call `write_log` with each new line that the process has printed."""
        if self._output.closed:
            return
        *lines, self._partial_line = (self._partial_line + self._output.read()).split(b"\n")
        for line in lines:
            text = line.decode("utf-8", "replace")
            if self._python_started is None and text.startswith("INIT_START "):
                self._python_started = float(text.split()[1])
                text = f"INIT_START Runtime Version: python:{PYTHON}"
            self.write_log(text)

    def _environment(self) -> Mapping[str, str]:
        """Return the function's environment variables and those that Lambda adds.

        https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
        """
        function, secrets = self.function, ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
        return {
            **function.environment,
            **dict.fromkeys(secrets, "nobody"),
            **dict.fromkeys(("AWS_DEFAULT_REGION", "AWS_REGION"), REGION),
            "_HANDLER": function.handler,
            "AWS_EXECUTION_ENV": f"AWS_Lambda_python{PYTHON}",
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


class Throttled(Exception):
    """All containers that the function may have are busy. Lambda calls this TooManyRequestsException."""


@dataclass(eq=False)
class Pool:
    """The containers of one function. Thread-safe. Call `close` at the end."""

    function: FunctionLimits
    sandbox: Sandbox  # contains the function's package
    folder: Path  # for the output of the containers
    write_log: Callable[[str, str], object] = lambda *_: None  # gets the name of a container and a line of its log

    def __post_init__(self) -> None:
        self._changed = Condition()
        self.idle: list[Container] = []  # those that wait for an event, the most recently used one last
        self.busy: set[Container] = set()  # those that work
        self._numbers = count(1)
        self._closed = False

    def invoke(self, event: bytes, request_id: str | None = None, trace_id: str = "") -> InvocationResult:
        """Run the function's handler on an event, in an idle container or a new one. Raises `Throttled`."""
        container = self._acquire()
        try:
            return container.invoke(event, request_id, trace_id)
        finally:
            self._release(container)

    def close(self) -> None:
        """End all containers. Wait for events in progress, but no longer than the function's timeout."""
        with self._changed:
            self._closed = True
            idle, self.idle = self.idle, []
            for container in idle:
                container.end()
            self._changed.wait_for(lambda: not self.busy, self.function.timeout)

    def _acquire(self) -> Container:
        with self._changed:
            if self._closed:
                raise Throttled
            if self.idle:
                container = self.idle.pop()
            elif len(self.busy) < self.function.concurrency:
                name = f"{self.function.name}-{next(self._numbers)}"
                log = self.folder / f"{name}.log"
                container = Container(self.function, self.sandbox, name, log, partial(self.write_log, name))
            else:
                raise Throttled
            self.busy.add(container)
            return container

    def _release(self, container: Container) -> None:
        with self._changed:
            self.busy.discard(container)
            if self._closed:
                container.end()
            elif container.alive:
                self.idle.append(container)
            self._changed.notify_all()
