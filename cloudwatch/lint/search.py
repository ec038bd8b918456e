"""What a SEARCH names, as far as it can be held against what is emitted.

    SEARCH('{Faunalens,service,stage,code} MetricName="Rejections" service="faunalens" stage="STAGENAME"', 'Sum', 60)

CloudWatch also searches by part of a word, and in all namespaces. Here the schema in braces and the metrics in full
are asked for: of a search by half a name nobody can say what it was meant to find.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from cloudwatch.syntax.search import All, Any, Match, SearchError, Term, parse_search


@dataclass(frozen=True, slots=True)
class Searched:
    """Namespace, metrics and dimensions of a search; a dimension without value can have any."""

    namespace: str
    metrics: tuple[str, ...]
    dimensions: tuple[tuple[str, tuple[str, ...]], ...]


def searched(text: str) -> Searched:
    """Read the first argument of SEARCH. Raises `SearchError` if it cannot be read, or leaves open what it means."""
    search = parse_search(text)
    if search.namespace is None or search.dimensions is None:
        raise SearchError("a search has to begin with its schema, such as {Faunalens,service,stage,code}")
    given: dict[str, tuple[str, ...]] = {}
    for match in _asked(search.term):
        given[match.property or ""] = (*given.get(match.property or "", ()), match.text)
    if not given.get("MetricName"):
        raise SearchError('a search has to name its metrics in full: MetricName="Rejections"')
    if unknown := sorted(given.keys() - {"", "MetricName", "Namespace", *search.dimensions}):
        raise SearchError(f"{', '.join(unknown)} is no dimension of the schema; the search would find nothing")
    dimensions = tuple((name, given.get(name, ())) for name in search.dimensions)
    return Searched(search.namespace, given["MetricName"], dimensions)


def _asked(term: Term | None) -> Iterator[Match]:
    """Whole texts that are asked for; what is excluded (NOT) names nothing."""
    match term:
        case Match(exact=True):
            yield term
        case All(terms=terms) | Any(terms=terms):
            for each in terms:
                yield from _asked(each)
