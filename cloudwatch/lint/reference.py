"""A metric that a file names, held against what exists: our registry, or the catalogue of AWS's metrics."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from chalicelib.telemetry.metrics import COMMON, NAMESPACE
from cloudwatch.lint import emitted
from cloudwatch.lint.catalogue import RESOURCES, catalogue
from cloudwatch.lint.finding import Finding, instead, quoted


@dataclass(frozen=True, slots=True)
class Reference:
    """One metric as a widget or an alarm names it. A value that is None is any: a SEARCH leaves it open."""

    file: str
    place: str
    namespace: str
    name: str
    dimensions: tuple[tuple[str, str | None], ...]
    stat: str
    unit: str | None = None

    @property
    def key(self) -> tuple[str, frozenset[str]]:
        """Name and dimension set, as coverage counts."""
        return self.name, frozenset(name for name, _ in self.dimensions)


def check(reference: Reference) -> Iterator[Finding]:
    """What is wrong with it."""
    problems = _ours(reference) if reference.namespace == NAMESPACE else _of_aws(reference)
    for problem in problems:
        yield Finding(reference.file, reference.place, problem)


def _ours(reference: Reference) -> Iterator[str]:
    known = {name for name, _ in emitted.emitted()}
    if reference.name not in known:
        yield f'the app emits no metric "{reference.name}"; {instead(reference.name, known)}'
        return
    sets = emitted.sets_of(reference.name)
    if reference.key not in emitted.emitted():
        yield _wrong_set(reference, sets)
        return
    fixed = {name: (value,) for name, value in emitted.common().items()}
    for name, value in reference.dimensions:
        possible = fixed.get(name) or emitted.values_of(name)
        if value is not None and value not in possible:
            yield f'{name} is "{value}", which the app never emits; {instead(value, possible)}'
    yield from _wrong_unit(reference, emitted.unit_of(reference.name))


def _of_aws(reference: Reference) -> Iterator[str]:
    namespaces = catalogue()
    if reference.namespace not in namespaces:
        choice = instead(reference.namespace, [NAMESPACE, *namespaces])
        yield f'namespace "{reference.namespace}" is not known; {choice} A new one belongs in aws_metrics.csv'
        return
    metrics = namespaces[reference.namespace]
    if reference.name not in metrics:
        choice = instead(reference.name, metrics)
        yield f'{reference.namespace} has no metric "{reference.name}"; {choice} A new one belongs in aws_metrics.csv'
        return
    known = metrics[reference.name]
    if reference.key[1] not in map(frozenset, known.sets):
        yield _wrong_set(reference, known.sets)
    for name, value in reference.dimensions:
        possible = RESOURCES.get(name)
        if value is not None and possible and value not in possible:
            yield f'{name} is "{value}", and nothing is deployed by that name; {instead(value, possible)}'
    if not known.allows(reference.stat):
        stats = ", ".join("percentiles (p99)" if stat == "p" else stat for stat in known.stats)
        yield f"{reference.stat} of {reference.name} says nothing: AWS documents {stats} for it"
    yield from _wrong_unit(reference, known.unit)


def _wrong_set(reference: Reference, sets: Iterable[tuple[str, ...]]) -> str:
    names = sorted((name for name, _ in reference.dimensions), key=lambda name: (name not in COMMON, name))
    given = quoted(reference.name, names)
    choice = " or ".join(f"({', '.join(each)})" for each in sets)
    return f"{given} is a metric that nothing emits; write it with the dimensions {choice}, all of them"


def _wrong_unit(reference: Reference, unit: str) -> Iterator[str]:
    if reference.unit not in (None, unit):
        yield f'Unit is "{reference.unit}", but {reference.name} comes in {unit}: it would find no data; leave Unit out'
