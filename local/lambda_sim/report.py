"""Results of invocations, and the REPORT lines that Lambda logs about them."""

import json
from dataclasses import dataclass
from math import ceil

from local.lambda_sim.runtime_api import RuntimeMessage


@dataclass(frozen=True, slots=True)
class InvocationReport:
    """The measurements of one invocation, as in Lambda's REPORT line: times in milliseconds, memory in MB.

    `init`: duration of the initialisation; None if the container was initialised by an earlier event.
    """

    request_id: str
    duration: float
    memory: int
    memory_used: int
    init: float | None

    @property
    def billed(self) -> int:
        """Billed duration in milliseconds. Since August 2025 Lambda bills every initialisation."""
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
    """The result of one invocation.

    `payload`: the handler's result as JSON, or an object with `errorType` and `errorMessage`. `error`: type of the
    error, None after success. `latency`: milliseconds from the event to the response. The duration in `report` is
    longer: it ends when the runtime asks for the next event.
    """

    payload: bytes
    error: str | None
    report: InvocationReport
    latency: float


class ContainerFailure(Exception):
    """A container that failed before it responded, with the error type and the message that Lambda would report."""

    def __init__(self, error_type: str, message: str) -> None:
        super().__init__(message)
        self.error_type = error_type

    def as_message(self, request_id: str) -> RuntimeMessage:
        """Return the failure as the error that the runtime would have posted."""
        message = f"RequestId: {request_id} {self}" if str(self).startswith("Error: ") else str(self)
        payload = json.dumps({"errorType": self.error_type, "errorMessage": message})
        return RuntimeMessage("error", payload.encode(), self.error_type)
