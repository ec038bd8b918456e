"""Find the metrics that a SEARCH names, so that lint can check that they exist.

    SEARCH('{Faunalens,service,stage,code} MetricName="Rejections" service="faunalens" stage="STAGENAME"', 'Sum', 60)

CloudWatch can also search for parts of a name and in all namespaces. Lint requires the schema in braces and the full
name of every metric, since it cannot know which metrics a vaguer search should find.
"""

from collections.abc import Iterator

from cloudwatch.syntax import boolean
from cloudwatch.syntax.search import SearchError, parse_search

type Pattern = tuple[str, str, tuple[tuple[str, str | None], ...]]
"""Namespace, metric and dimensions. The value None stands for any value of a dimension."""


def metrics_of(text: str) -> Iterator[Pattern]:
    """Yield the metrics that the first argument of SEARCH names. Raises `SearchError` if it is invalid or too vague."""
    search = parse_search(text)
    if search.namespace is None or search.dimensions is None:
        raise SearchError(text, 0, "a search must start with its schema, such as {Faunalens,service,stage,code}")
    values: dict[str, list[str]] = {}
    for leaf in boolean.leaves(search.term, negated=False) if search.term else ():
        if leaf.exact:
            values.setdefault(leaf.property or "", []).append(leaf.text)
    if not values.get("MetricName"):
        raise SearchError(text, 0, 'a search must name its metrics in full, such as MetricName="Rejections"')
    if unknown := sorted(values.keys() - {"", "MetricName", "Namespace", *search.dimensions}):
        what = f"{', '.join(unknown)} is not a dimension of the schema; add it to the schema, or remove the condition"
        raise SearchError(text, text.find(unknown[0]), what)
    given = {name: values.get(name, []) for name in search.dimensions}
    for metric in values["MetricName"]:
        # A dimension with several values stands for several metrics; each value is checked at least once.
        for turn in range(max(1, *map(len, given.values()))):
            last = {name: each[min(turn, len(each) - 1)] if each else None for name, each in given.items()}
            yield search.namespace, metric, tuple(last.items())
