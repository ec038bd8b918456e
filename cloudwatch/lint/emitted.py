"""List the metrics that the app emits, with their dimension sets, and the fields of its log lines.

No other module of lint imports the app. Metrics come from the registry that the app's emitter uses. Fields come from
records and a log line in which every field is set.
"""

import dataclasses
import json
import logging
from collections.abc import Mapping
from unittest.mock import MagicMock

from chalicelib.telemetry import metrics
from chalicelib.telemetry.logs import FIELDS, JsonLines
from chalicelib.telemetry.record import Record
from chalicelib.telemetry.runs import BatchRecord, WarmingRecord
from cloudwatch.lint.catalogue import KnownMetric
from cloudwatch.project import SERVICE, STAGE_VARIABLE

NAMESPACE = metrics.NAMESPACE
COMMON = metrics.COMMON
"""The dimensions of every metric."""
_TIERED = (*COMMON, "tier")
"""The dimensions of every metric of the web tier."""

_COMMON_VALUES: Mapping[str, tuple[str, ...]] = {"service": (SERVICE,), "stage": (STAGE_VARIABLE,)}
"""The values of the common dimensions in the files."""


def catalogue() -> dict[str, KnownMetric]:
    """Return the app's metrics by name. `stats` is empty, since every statistic is allowed.

    The web tier emits those of a request too. Dashboards need not show them twice.
    """
    found = {
        name: KnownMetric(metric.unit, (), _sets(COMMON, metric), _sets(_TIERED, metric))
        for name, metric in metrics.METRICS.items()
    }
    return found | {
        name: KnownMetric(metric.unit, (), _sets(_TIERED, metric)) for name, metric in metrics.TIER_METRICS.items()
    }


def _sets(common: tuple[str, ...], metric: metrics.Metric) -> list[tuple[str, ...]]:
    return [common, *((*common, extra) for extra in metric.by)]


def billed() -> int:
    """Return the maximum number of time series that AWS can bill for one deployment."""
    return metrics.max_billed_metrics()


def billed_of_tier() -> int:
    """Return the maximum number of time series that AWS can bill in addition for a deployment's web tier."""
    return metrics.max_billed_of_tier()


def values_of(dimension: str) -> tuple[str, ...]:
    """Return all values of a dimension; none if it is unknown or if its values depend on the deployment."""
    known = metrics.DIMENSIONS.get(dimension)
    return _COMMON_VALUES.get(dimension) or (known.values if known else ())


def fields() -> set[str]:
    """Return the names of all fields in metric lines and log lines. Queries of Logs Insights may use them."""
    anything = MagicMock()  # a record filled with it emits every field that it can emit
    anything.__contains__.return_value = True
    found: set[str] = {*metrics.ALL_METRICS, *metrics.DIMENSIONS}
    for kind in (Record, WarmingRecord, BatchRecord):
        found |= kind(**{field.name: anything for field in dataclasses.fields(kind)}).properties().keys()
    log = logging.makeLogRecord(dict.fromkeys(FIELDS, "") | {"exc_info": (ValueError, ValueError(), None)})
    return found.union(json.loads(JsonLines({}).format(log)))
