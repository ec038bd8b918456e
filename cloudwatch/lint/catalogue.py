"""Read aws_metrics.csv: the AWS metrics that dashboards and alarms may use, as AWS documents them.

Each row has one or more metrics that share a set of dimensions: `namespace,metric,dimensions,unit,stats,source`.
Spaces separate metrics, dimensions and statistics; `p` among the statistics allows percentiles and trimmed means.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

from cloudwatch.project import DASHBOARDS


@dataclass(slots=True)
class KnownMetric:
    """A metric that exists: its unit, its documented statistics and its dimension sets.

    `spare`: sets that need not be used in any file.
    """

    unit: str
    stats: tuple[str, ...]
    sets: list[tuple[str, ...]] = field(default_factory=list)
    spare: list[tuple[str, ...]] = field(default_factory=list)

    def allows(self, stat: str) -> bool:
        """Return whether AWS documents this statistic for the metric."""
        return stat in self.stats or ("p" in self.stats and not stat.isalpha())


@cache
def catalogue() -> Mapping[str, Mapping[str, KnownMetric]]:
    """Return the metrics by namespace and name."""
    found: dict[str, dict[str, KnownMetric]] = {}
    with (DASHBOARDS / "aws_metrics.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            for name in row["metric"].split():
                new = KnownMetric(row["unit"], tuple(row["stats"].split()))
                metric = found.setdefault(row["namespace"], {}).setdefault(name, new)
                metric.sets.append(tuple(row["dimensions"].split()))
    return found
