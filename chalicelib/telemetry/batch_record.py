"""The record of one run of the batch function, read at its end for metrics."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class BatchRecord:
    """The record of one run of the batch function. The numbers are of photos, `queries` is of queries to PostgreSQL."""

    request_id: str
    identified: int
    unreadable: int
    skipped: int
    failed: int
    queries: int
    seconds: float

    def metrics(self) -> dict[str, float]:
        """Return the value of each metric for this run."""
        return {
            "BatchRuns": 1,
            "BatchLatency": round(self.seconds * 1e3, 1),
            "BatchIdentified": self.identified,
            "BatchUnreadable": self.unreadable,
            "BatchSkipped": self.skipped,
            "BatchFailed": self.failed,
            "BatchQueries": self.queries,
        }

    def dimensions(self) -> dict[str, str]:
        """Return no dimensions, because batch metrics have only those that every metric has."""
        return {}

    def properties(self) -> dict[str, Any]:
        """Return properties of this run that are not metrics, for queries in Logs Insights."""
        return {"request_id": self.request_id}
