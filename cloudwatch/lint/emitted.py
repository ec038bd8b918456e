"""What the app can emit, as its code says: metrics with their dimension sets, and the fields of its lines.

Nothing is listed here. Metrics come from the registry that the emitter writes by; fields from records that are filled
in every part and asked what they would write.
"""

import dataclasses
import json
import logging
from collections.abc import Iterator, Mapping
from typing import Any

from chalicelib.telemetry import metrics
from chalicelib.telemetry.logs import FIELDS, JsonLines
from chalicelib.telemetry.record import Record, WarmingRecord

type Dimensions = frozenset[str]


def sets_of(name: str) -> list[tuple[str, ...]]:
    """The dimension sets that a metric is emitted with, the common one first."""
    return [metrics.COMMON, *((*metrics.COMMON, extra) for extra in metrics.METRICS[name].by)]


def emitted() -> dict[tuple[str, Dimensions], tuple[str, ...]]:
    """Every metric with every dimension set that it is emitted with; the value has the set in the registry's order."""
    return {(name, frozenset(each)): each for name in metrics.METRICS for each in sets_of(name)}


def unit_of(name: str) -> str:
    """Unit of one of our metrics."""
    return metrics.METRICS[name].unit


def values_of(dimension: str) -> tuple[str, ...]:
    """All values that a dimension can have, none if they depend on the deployment."""
    return metrics.DIMENSIONS[dimension].values


def fields() -> set[str]:
    """Fields of the lines that the app writes, metrics and logs, which queries of Logs Insights can name."""
    anything: Any = _Anything()
    names: set[str] = {name for kind in (Record, WarmingRecord) for name in _full(kind, anything).properties()}
    told = logging.makeLogRecord(dict.fromkeys(FIELDS, anything) | {"exc_info": (ValueError, ValueError(), None)})
    return names.union(json.loads(JsonLines({}).format(told)), metrics.METRICS, metrics.DIMENSIONS)


def _full(kind: Any, anything: Any) -> Any:
    """A record that has a value for each of its fields."""
    return kind(**{field.name: anything for field in dataclasses.fields(kind)})


class _Anything:
    """Has every attribute and item, and is a number too, so that a record that holds it leaves nothing out."""

    def __getattr__(self, name: str) -> "_Anything":
        return self

    def __call__(self, *_: object) -> "_Anything":
        return self

    def __mul__(self, _: object) -> float:
        return 1.0

    def __contains__(self, _: object) -> bool:
        return True

    def __getitem__(self, place: object) -> "_Anything":
        return self

    def __iter__(self) -> Iterator[Any]:
        return iter(())


def common() -> Mapping[str, str]:
    """The values that the common dimensions have in the files."""
    return {"service": "faunalens", "stage": "STAGENAME"}
