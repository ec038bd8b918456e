"""AWS's own metrics that files may name: aws_metrics.csv, with dimensions, unit and statistics as AWS documents them.

A row is one metric with one set of dimensions: `namespace,metric,dimensions,unit,stats,source`. Dimensions and stats
are apart by spaces; `p` among the stats allows percentiles and trimmed means. Rows that differ only in the metric may
share a line: `metric` is a list too.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from cloudwatch.files import SERVICE, STAGE_VARIABLE

FILE = Path(__file__).parents[2] / "dashboards" / "aws_metrics.csv"

_FUNCTION = f"{SERVICE}-{STAGE_VARIABLE}"
_FUNCTIONS = (_FUNCTION, f"{_FUNCTION}-warm", f"{_FUNCTION}-admin")

RESOURCES: Mapping[str, tuple[str, ...]] = {
    "ApiName": (SERVICE,),
    "Stage": (STAGE_VARIABLE,),
    "FunctionName": _FUNCTIONS,
    "LogGroupName": tuple(f"/aws/lambda/{each}" for each in _FUNCTIONS),
    "DBClusterIdentifier": (_FUNCTION,),
    "clusterId": (_FUNCTION,),
    "BucketName": (f"{_FUNCTION}-photos-ACCOUNTID",),
    "TopicName": (f"{_FUNCTION}-alarms",),
}
"""What the deployment calls its parts: the values that these dimensions can have. Others are not checked."""


@dataclass(slots=True)
class Known:
    """One metric of AWS's: its unit, its documented statistics, and the dimension sets that it comes with."""

    unit: str
    stats: tuple[str, ...]
    sets: list[tuple[str, ...]] = field(default_factory=list)

    def allows(self, stat: str) -> bool:
        """Whether AWS documents this statistic for it."""
        return stat in self.stats or ("p" in self.stats and not stat.isalpha())


@cache
def catalogue() -> Mapping[str, Mapping[str, Known]]:
    """Metrics by namespace and name."""
    found: dict[str, dict[str, Known]] = {}
    with FILE.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            for name in row["metric"].split():
                known = found.setdefault(row["namespace"], {}).setdefault(
                    name, Known(row["unit"], tuple(row["stats"].split()))
                )
                known.sets.append(tuple(row["dimensions"].split()))
    return found
