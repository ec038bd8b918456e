"""SEARCH expressions, as far as they say which metrics they mean.

    SEARCH('{Faunalens,service,stage,code} MetricName="Rejections" service="faunalens" stage="STAGENAME"', 'Sum', 60)

The schema in braces names namespace and dimensions; every metric with just these is searched. Names of metrics have
to be exact, in quotes: a search by part of a word cannot be held against what is emitted.
"""

import re
from dataclasses import dataclass

_SCHEMA = re.compile(r"\s*\{(?P<schema>[^{}]*)\}(?P<rest>.*)", re.DOTALL)
_GIVEN = re.compile(r"(?P<name>[A-Za-z][\w.]*)\s*=\s*(?P<values>\"[^\"]*\"|\([^()]*\))")
_EXACT = re.compile(r'"([^"]*)"')


class SearchError(ValueError):
    """A search that cannot be held against what is emitted."""


@dataclass(frozen=True, slots=True)
class Search:
    """Namespace, metrics and dimensions of a search; a dimension without value can have any."""

    namespace: str
    metrics: tuple[str, ...]
    dimensions: tuple[tuple[str, tuple[str, ...]], ...]


def parse_search(text: str) -> Search:
    """Read the first argument of SEARCH. Raises `SearchError`."""
    match = _SCHEMA.fullmatch(text)
    if match is None:
        raise SearchError("a search has to begin with its schema, such as {Faunalens,service,stage,code}")
    namespace, *dimensions = (each.strip().strip('"') for each in match["schema"].split(","))
    given = {each["name"]: tuple(_EXACT.findall(each["values"])) for each in _GIVEN.finditer(match["rest"])}
    if not given.get("MetricName"):
        raise SearchError('a search has to name its metrics in full: MetricName="Rejections"')
    if unknown := sorted(given.keys() - {"MetricName", *dimensions}):
        raise SearchError(f"{', '.join(unknown)} is no dimension of the schema; the search would find nothing")
    return Search(namespace, given["MetricName"], tuple((name, given.get(name, ())) for name in dimensions))
