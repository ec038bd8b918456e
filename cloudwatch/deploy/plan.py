"""Plan a deploy: list the steps that make the account match the files, in an order that AWS accepts."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from cloudwatch.deploy.diff import diff
from cloudwatch.deploy.resources import Resource, children, in_dependency_order

type Action = Literal["add", "change", "remove"]

_SIGNS: dict[Action, str] = {"add": "+", "change": "~", "remove": "-"}
_ALARMS = ("alarm", "composite")
"""Kinds that share one name space in AWS."""


@dataclass(frozen=True, slots=True)
class PlanStep:
    """One action on a resource.

    `before` is the current resource; None for `add`. `after` is the desired resource; None for `remove`.
    """

    action: Action
    before: Resource | None
    after: Resource | None

    @property
    def resource(self) -> Resource:
        """The desired resource, or the current resource if the step removes it."""
        found = self.after or self.before
        assert found is not None, "a step has a resource"  # noqa: S101 - for the reader and mypy
        return found

    def describe(self) -> Iterator[str]:
        """Yield a line that names the action and, for a change, the lines that differ."""
        yield f"{_SIGNS[self.action]} {self.resource.title}"
        if self.before and self.after:
            yield from (f"    {line}" for line in diff(self.before.content, self.after.content))


def plan(
    desired: Iterable[Resource], present: Iterable[Resource], is_managed: Callable[[Resource], bool]
) -> tuple[list[PlanStep], list[Resource]]:
    """Return the steps that turn the current resources into the desired ones, and the surplus resources that stay.

    `desired` is in dependency order. `is_managed` returns whether an earlier deploy created a resource; a resource that
    no deploy created stays. Removals come last, when no composite depends on the removed alarms any more. If an
    alarm becomes a composite, or the reverse, the old one is removed before the new one gets its name.
    """
    wanted = {(each.kind, each.name): each for each in desired}
    there: dict[tuple[str, str], Resource] = {}
    surplus: list[Resource] = []
    for each in present:
        key = (each.kind, each.name)
        if key not in wanted or key in there:  # AWS allows two saved queries of one name; the first is kept
            surplus.append(each)
        else:
            there[key] = each
    puts = [step for key, after in wanted.items() if (step := _put(there.get(key), after))]
    managed = [each for each in surplus if is_managed(each)]
    removals = [PlanStep("remove", each, None) for each in _removal_order(managed)]
    names = {name for kind, name in wanted if kind in _ALARMS}
    early = [step for step in removals if step.resource.kind in _ALARMS and step.resource.name in names]
    reused = {step.resource.name for step in early}
    late = [step for step in puts if {step.resource.name, *children(step.resource)} & reused]
    first = [step for step in puts if step not in late]
    steps = [*first, *early, *late, *(step for step in removals if step not in early)]
    return steps, [each for each in surplus if each not in managed]


def _put(before: Resource | None, after: Resource) -> PlanStep | None:
    if before is None:
        return PlanStep("add", None, after)
    return PlanStep("change", before, after) if before.content != after.content else None


def _removal_order(resources: Sequence[Resource]) -> list[Resource]:
    """Return resources in an order in which AWS can delete them: each composite before the alarms in its rule."""
    composites = in_dependency_order(each for each in resources if each.kind == "composite")
    return [*reversed(composites), *(each for each in resources if each.kind != "composite")]
