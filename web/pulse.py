"""The pulse of the web tier: once a minute and at its end, what no single request can tell, as metrics."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

SECONDS = 60.0
"""Seconds between two beats: the shortest period of a usual CloudWatch alarm."""


@dataclass(slots=True)
class Pulse:
    """Counts since the last beat.

    `waiting`: largest number of photos that waited for a worker. `refused`: requests refused because too many were
    waiting or arriving, and connections beyond the limit. `rejected`: requests with an error of the client that did not
    reach the application, such as those for another host. `drained`: requests answered after SIGTERM. `cut_off`:
    requests that the server gave up when it ended.
    """

    waiting: int = 0
    refused: int = 0
    rejected: int = 0
    drained: int = 0
    cut_off: int = 0

    def metrics(self) -> Mapping[str, float]:
        """Return the value of each metric."""
        counts = {"QueueLength": self.waiting, "QueueRefusals": self.refused}
        return counts | {"Rejections": self.rejected, "Drained": self.drained, "CutOff": self.cut_off}

    def dimensions(self) -> Mapping[str, str]:
        """Return no dimensions, because these metrics have only those that every metric of the tier has."""
        return {}

    def properties(self) -> Mapping[str, Any]:
        """Return no properties: there is no request that these metrics belong to."""
        return {}

    def beat(self, emit: Callable[["Pulse"], None]) -> None:
        """Emit the counts, and start again from zero."""
        emit(self)
        self.waiting = self.refused = self.rejected = self.drained = self.cut_off = 0

    async def beat_for_ever(self, emit: Callable[["Pulse"], None]) -> None:
        """Beat every minute until the task is cancelled."""
        while True:
            await asyncio.sleep(SECONDS)
            self.beat(emit)
