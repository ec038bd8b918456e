"""The outcome of an invocation, and Lambda's REPORT line about it."""

import json
from dataclasses import dataclass
from math import ceil

from local.lambda_sim.runtime_api import RuntimeMessage


@dataclass(frozen=True, slots=True)
class InvocationReport:
    """What Lambda reports about an invocation. Times in milliseconds, memory in MB; `init` is None in a warm container.

    Since August 2025 Lambda bills every initialisation.
    """

    request_id: str
    duration: float
    memory: int
    memory_used: int
    init: float | None

    @property
    def billed(self) -> int:
        """Billed duration in milliseconds."""
        return ceil(self.duration + (self.init or 0.0))

    def __str__(self) -> str:
        """Return the REPORT line of the function's log."""
        init = "" if self.init is None else f"\tInit Duration: {self.init:.2f} ms"
        return (
            f"REPORT RequestId: {self.request_id}\tDuration: {self.duration:.2f} ms\t"
            f"Billed Duration: {self.billed} ms\t"
            f"Memory Size: {self.memory} MB\tMax Memory Used: {self.memory_used} MB{init}"
        )


@dataclass(frozen=True, slots=True)
class InvocationResult:
    """The outcome of an invocation. `error`: its type or None; after an error `payload` has errorType and errorMessage.

    `latency`: milliseconds from the event to the response. The report's duration ends later, when the container waits
    for the next event.
    """

    payload: bytes
    error: str | None
    report: InvocationReport
    latency: float


class ContainerFailure(Exception):
    """A container failed before it responded. `error_type` and message are the ones that Lambda uses."""

    def __init__(self, error_type: str, message: str) -> None:
        super().__init__(message)
        self.error_type = error_type

    def as_message(self, request_id: str) -> RuntimeMessage:
        """Return the error that Lambda reports in place of the runtime."""
        message = f"RequestId: {request_id} {self}" if str(self).startswith("Error: ") else str(self)
        payload = json.dumps({"errorType": self.error_type, "errorMessage": message})
        return RuntimeMessage("error", payload.encode(), self.error_type)
