"""The records of work that is no request: a run of cache warming, a run on a batch of photos, and a correction."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chalicelib.features.warming import WarmingReport


@dataclass(frozen=True, slots=True)
class WarmingRecord:
    """The record of one run of cache warming."""

    request_id: str
    report: "WarmingReport"

    def metrics(self) -> dict[str, float]:
        """Return the value of each metric for this run."""
        report = self.report
        values: dict[str, float] = {
            "WarmingRuns": 1,
            "WarmingLatency": round(report.seconds * 1e3, 1),
            "WarmingConsidered": report.considered,
            "WarmingRefreshed": report.refreshed,
            "WarmingSkipped": report.skipped,
            "WarmingFailed": report.failed,
            "WarmingQueries": report.queries,
            "WarmingFaults": len(report.faults),
        }
        return values if report.useful is None else values | {"WarmingUseful": report.useful}

    def dimensions(self) -> dict[str, str]:
        """Return no dimensions, because warming metrics have only those that every metric has."""
        return {}

    def properties(self) -> dict[str, Any]:
        """Return properties of this run that are not metrics, for queries in Logs Insights."""
        return {"request_id": self.request_id, "quiet": self.report.quiet, "faults": self.report.faults}


@dataclass(frozen=True, slots=True)
class CorrectionRecord:
    """The record of one correction of an answer."""

    request_id: str

    def metrics(self) -> dict[str, float]:
        """Return the value of each metric for this correction."""
        return {"Corrections": 1}

    def dimensions(self) -> dict[str, str]:
        """Return no dimensions other than those that every metric has."""
        return {}

    def properties(self) -> dict[str, Any]:
        """Return properties for queries in Logs Insights. What the person wrote is only in the store."""
        return {"request_id": self.request_id}


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
