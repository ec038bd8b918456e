"""Check that a metric exists in the app's registry or in the catalogue of AWS's metrics."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from cloudwatch.lint import emitted
from cloudwatch.lint.catalogue import catalogue
from cloudwatch.lint.finding import Finding, suggest, with_dimensions
from cloudwatch.project import RESOURCES


@dataclass(frozen=True, slots=True)
class Reference:
    """One metric that a widget or an alarm names. In a SEARCH, a dimension may have the value None, for any value."""

    file: str
    place: str
    namespace: str
    name: str
    dimensions: tuple[tuple[str, str | None], ...]
    stat: str
    unit: str | None = None

    @property
    def key(self) -> emitted.Key:
        """The name and the set of dimensions, which identify the metric."""
        return self.name, frozenset(name for name, _ in self.dimensions)


def check(reference: Reference) -> Iterator[Finding]:
    """Yield the findings for a reference."""
    problems = _of_the_app(reference) if reference.namespace == emitted.NAMESPACE else _of_aws(reference)
    for problem in problems:
        yield Finding(reference.file, reference.place, problem)


def _of_the_app(reference: Reference) -> Iterator[str]:
    if reference.name not in emitted.names():
        yield f'the app emits no metric "{reference.name}"; {suggest(reference.name, emitted.names())}'
        return
    if reference.key not in emitted.dimension_sets():
        yield _wrong_dimensions(reference, emitted.sets_of(reference.name))
        return
    for name, value in reference.dimensions:
        possible = emitted.values_of(name)
        if value is not None and value not in possible:
            yield f'{name} is "{value}", which the app never emits; {suggest(value, possible)}'
    yield from _wrong_unit(reference, emitted.unit_of(reference.name))


def _of_aws(reference: Reference) -> Iterator[str]:
    namespaces = catalogue()
    if reference.namespace not in namespaces:
        choice = suggest(reference.namespace, [emitted.NAMESPACE, *namespaces])
        yield f'unknown namespace "{reference.namespace}"; {choice} Add a new namespace to aws_metrics.csv'
        return
    metrics = namespaces[reference.namespace]
    if reference.name not in metrics:
        choice = suggest(reference.name, metrics)
        yield f'{reference.namespace} has no metric "{reference.name}"; {choice} Add a new metric to aws_metrics.csv'
        return
    known = metrics[reference.name]
    if reference.key[1] not in map(frozenset, known.sets):
        yield _wrong_dimensions(reference, known.sets)
    for name, value in reference.dimensions:
        possible = RESOURCES.get(name)
        if value is not None and possible and value not in possible:
            yield f'{name} is "{value}", but the project deploys no resource of this name; {suggest(value, possible)}'
    if not known.allows(reference.stat):
        stats = ", ".join("percentiles (p99)" if stat == "p" else stat for stat in known.stats)
        yield f"AWS does not document {reference.stat} of {reference.name}; use {stats}"
    yield from _wrong_unit(reference, known.unit)


def _wrong_dimensions(reference: Reference, sets: Iterable[tuple[str, ...]]) -> str:
    names = sorted((name for name, _ in reference.dimensions), key=lambda name: (name not in emitted.COMMON, name))
    given = with_dimensions(reference.name, names)
    choice = " or ".join(f"({', '.join(each)})" for each in sets)
    return f"nothing emits {given}; write exactly the dimensions {choice}"


def _wrong_unit(reference: Reference, unit: str) -> Iterator[str]:
    if reference.unit not in (None, unit):
        yield f'Unit is "{reference.unit}", but {reference.name} is in {unit}, so no data would match; remove Unit'
