"""The warming schedule of the simulated day: a run every few minutes, as features/warming.py does it."""

from collections.abc import Sequence
from random import Random

from chalicelib.features.warming import WarmingReport
from chalicelib.telemetry.record import WarmingRecord
from cloudwatch.simulation import day
from cloudwatch.simulation.fleet import DEFAULTS, Fleet


class Schedule:
    """Runs of warming over the cells in most demand."""

    def __init__(self, random: Random, cells: Sequence[int]) -> None:
        self._random = random
        self._cells = cells
        self._hits: list[tuple[float, bool]] = []

    def note(self, moment: float, *, warmed: bool) -> None:
        """A request that Redis or memory answered, and whether on warmed features."""
        self._hits.append((moment, warmed))

    def run(self, moment: float, fleet: Fleet) -> WarmingRecord:
        """One run. As in warming.py: once anything is due, so is what will be within the hour."""
        self._hits = [(when, warmed) for when, warmed in self._hits if moment - when < 7200]
        report = WarmingReport(considered=len(self._cells))
        report.hits, report.warmed_hits = len(self._hits), sum(warmed for _, warmed in self._hits)
        report.seconds = self._random.lognormvariate(-1.4, 0.2)
        if moment in day.REDIS_DOWN:
            report.failed, report.faults = report.considered, ["redis_timeout"]
            report.seconds += DEFAULTS.redis_connect
            return self._record(report)
        left = {cell: (held.soft if (held := fleet.redis.get(cell)) else 0.0) - moment for cell in self._cells}
        if any(seconds < DEFAULTS.warm_margin for seconds in left.values()):
            due = [cell for cell, seconds in left.items() if seconds < DEFAULTS.warm_ahead]
            report.queries = 1
            fleet.queries += 1
            if moment in day.DATABASE_DOWN:
                report.failed, report.faults = len(due), ["postgres_unreachable"]
                report.seconds += DEFAULTS.database_connect
            else:
                report.refreshed = len(due)
                report.seconds += 0.0012 * len(due)
                for cell in due:
                    fleet.write(cell, moment, warmed=True)
        report.skipped = report.considered - report.refreshed - report.failed
        return self._record(report)

    def _record(self, report: WarmingReport) -> WarmingRecord:
        return WarmingRecord(f"{self._random.getrandbits(128):032x}", report)
