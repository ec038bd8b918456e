"""Check that a metric exists in the app's registry or in the catalogue of AWS's metrics."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from cloudwatch.lint import emitted
from cloudwatch.lint.catalogue import catalogue
from cloudwatch.lint.finding import Finding, suggest, with_dimensions
from cloudwatch.project import RESOURCES

type Key = tuple[str, frozenset[str]]
"""The name of a metric and its set of dimensions, in any order."""


@dataclass(frozen=True, slots=True)
class Reference:
    """One metric that a widget or an alarm names. A dimension in a SEARCH has the value None if any value matches."""

    file: str
    place: str
    namespace: str
    name: str
    dimensions: tuple[tuple[str, str | None], ...]
    stat: str
    unit: str | None = None

    @property
    def key(self) -> Key:
        """The name and the set of dimensions, which identify the metric."""
        return self.name, frozenset(name for name, _ in self.dimensions)


def check(reference: Reference) -> Iterator[Finding]:
    """Yield the findings for a reference."""
    for problem in _problems(reference):
        yield Finding(reference.file, reference.place, problem)


def _problems(reference: Reference) -> Iterator[str]:
    is_ours = reference.namespace == emitted.NAMESPACE
    metrics = emitted.catalogue() if is_ours else catalogue().get(reference.namespace)
    if metrics is None:
        choice = suggest(reference.namespace, [emitted.NAMESPACE, *catalogue()])
        yield f'unknown namespace "{reference.namespace}"; {choice} (a new namespace must be added to aws_metrics.csv)'
        return
    known = metrics.get(reference.name)
    if known is None:
        who = "the app emits" if is_ours else f"{reference.namespace} has"
        hint = "" if is_ours else " (a new metric must be added to aws_metrics.csv)"
        yield f'{who} no metric "{reference.name}"; {suggest(reference.name, metrics)}{hint}'
        return
    if reference.key[1] not in map(frozenset, [*known.sets, *known.spare]):
        yield _wrong_dimensions(reference, known.sets)
    for name, value in reference.dimensions:
        possible = emitted.values_of(name) if is_ours else RESOURCES.get(name)
        if value is not None and possible and value not in possible:
            why = "which the app never emits" if is_ours else "but the project deploys no resource of this name"
            yield f'{name} is "{value}", {why}; {suggest(value, possible)}'
    if not is_ours and not known.allows(reference.stat):
        stats = ", ".join("percentiles (p99)" if stat == "p" else stat for stat in known.stats)
        yield f"AWS does not document the statistic {reference.stat} of {reference.name}; use {stats}"
    if reference.unit not in (None, known.unit):
        unit = f'Unit is "{reference.unit}", but {reference.name} is in {known.unit}'
        yield f"{unit}, so no data would match; remove Unit"


def _wrong_dimensions(reference: Reference, sets: Iterable[tuple[str, ...]]) -> str:
    names = sorted((name for name, _ in reference.dimensions), key=lambda name: (name not in emitted.COMMON, name))
    given = with_dimensions(reference.name, names)
    choice = " or ".join(f"({', '.join(each)})" for each in sets)
    return f"nothing emits {given}; write exactly the dimensions {choice}"
