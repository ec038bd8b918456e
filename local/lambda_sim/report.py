"""What Lambda tells of an invocation: what came of it, and the line that it is billed by."""

import json
from dataclasses import dataclass
from math import ceil

from local.lambda_sim.runtime import Said


@dataclass(frozen=True, slots=True)
class Report:
    """What Lambda reports of an invocation. Times in milliseconds, memory in MB; `init` is None in a warm container.

    Since August 2025 initialisation is billed in all containers.
    """

    request_id: str
    duration: float
    memory: int
    memory_used: int
    init: float | None

    @property
    def billed(self) -> int:
        return ceil(self.duration + (self.init or 0.0))

    def __str__(self) -> str:
        """As in the function's log."""
        init = "" if self.init is None else f"\tInit Duration: {self.init:.2f} ms"
        return (
            f"REPORT RequestId: {self.request_id}\tDuration: {self.duration:.2f} ms\t"
            f"Billed Duration: {self.billed} ms\t"
            f"Memory Size: {self.memory} MB\tMax Memory Used: {self.memory_used} MB{init}"
        )


@dataclass(frozen=True, slots=True)
class Invoked:
    """What came of an event. `error`: None, or its type: then `payload` is JSON with errorType and errorMessage.

    `latency`: from the event to what came of it, milliseconds; the report's duration goes on until the container waits
    for the next event.
    """

    payload: bytes
    error: str | None
    report: Report
    latency: float


class Failed(Exception):
    """The container came to an end instead of an answer: `error_type` and a message, as Lambda calls it."""

    def __init__(self, error_type: str, message: str) -> None:
        super().__init__(message)
        self.error_type = error_type

    def said(self, request_id: str) -> Said:
        """What Lambda says in place of the container."""
        message = f"RequestId: {request_id} {self}" if str(self).startswith("Error: ") else str(self)
        payload = json.dumps({"errorType": self.error_type, "errorMessage": message})
        return Said("error", payload.encode(), self.error_type)
