"""What a deploy has to do: the difference between what the files make and what is there, in an order that AWS takes."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from dashboards.diff import diff
from dashboards.resources import Resource, in_order

type Action = Literal["add", "change", "remove"]

_SIGNS: dict[Action, str] = {"add": "+", "change": "~", "remove": "-"}
_OUT = ("composite", "alarm", "dashboard", "query")
"""Composites go before the alarms that they ask for."""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do. `before` is what is there, `after` what will be; at `add` and `remove` one is missing."""

    action: Action
    before: Resource | None
    after: Resource | None

    @property
    def resource(self) -> Resource:
        """What it is about."""
        found = self.after or self.before
        assert found is not None, "a step is about something"  # noqa: S101 - for the reader and mypy
        return found

    def told(self) -> Iterator[str]:
        """Lines that say it: one, and for a change what differs."""
        yield f"{_SIGNS[self.action]} {self.resource.title}"
        if self.before and self.after:
            yield from (f"    {line}" for line in diff(self.before.content, self.after.content))


def plan(desired: Iterable[Resource], present: Iterable[Resource], removable: Iterable[Resource]) -> list[Step]:
    """Steps from what is there to what is wanted.

    `desired` is in order of dependence. `removable`: what is there and was put by an earlier deploy. What is not
    wanted goes last, when nothing asks for it any more, but for an alarm that becomes a composite or the reverse.
    """
    there = {(each.kind, each.name): each for each in present}
    wanted = {(each.kind, each.name): each for each in desired}
    steps: list[Step] = []
    for key, after in wanted.items():
        before = there.get(key)
        if before is None:
            steps.append(Step("add", None, after))
        elif before.content != after.content:
            steps.append(Step("change", before, after))
    kept = {id(there[key]) for key in wanted if key in there}
    gone = [each for each in removable if id(each) not in kept]
    composites = in_order(each for each in gone if each.kind == "composite")
    others = sorted((each for each in gone if each.kind != "composite"), key=lambda each: _OUT.index(each.kind))
    out = [Step("remove", each, None) for each in [*reversed(composites), *others]]
    names = {name for _, name in wanted}
    in_the_way = [step for step in out if step.resource.name in names and step.resource.kind in ("alarm", "composite")]
    return [*in_the_way, *steps, *(step for step in out if step not in in_the_way)]
