"""What a deploy has to do: the difference between what the files make and what is there, in an order that AWS takes."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from cloudwatch.deploy.diff import diff
from cloudwatch.deploy.resources import Resource, children, in_order

type Action = Literal["add", "change", "remove"]

_SIGNS: dict[Action, str] = {"add": "+", "change": "~", "remove": "-"}
_ALARMS = ("alarm", "composite")
"""Their names are of one space."""


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

    `desired` is in order of dependence. `removable`: what is there and was put by an earlier deploy. It goes last,
    when nothing asks for it any more; but an alarm that becomes a composite, or the reverse, goes before what needs
    its name.
    """
    there: dict[tuple[str, str], Resource] = {}
    for each in present:
        there.setdefault((each.kind, each.name), each)  # of two saved queries of one name the first is kept
    wanted = {(each.kind, each.name): each for each in desired}
    puts = [step for key, after in wanted.items() if (step := _put(there.get(key), after))]
    kept = {id(there[key]) for key in wanted if key in there}
    out = [Step("remove", each, None) for each in _out_order([each for each in removable if id(each) not in kept])]
    names = {name for kind, name in wanted if kind in _ALARMS}
    in_the_way = [step for step in out if step.resource.kind in _ALARMS and step.resource.name in names]
    taken = {step.resource.name for step in in_the_way}
    late = [step for step in puts if {step.resource.name, *children(step.resource)} & taken]
    return [
        *(step for step in puts if step not in late),
        *in_the_way,
        *late,
        *(step for step in out if step not in in_the_way),
    ]


def _put(before: Resource | None, after: Resource) -> Step | None:
    if before is None:
        return Step("add", None, after)
    return Step("change", before, after) if before.content != after.content else None


def _out_order(gone: list[Resource]) -> list[Resource]:
    """Composites before the alarms that they ask for, which AWS would not delete before."""
    composites = in_order(each for each in gone if each.kind == "composite")
    return [*reversed(composites), *(each for each in gone if each.kind != "composite")]
