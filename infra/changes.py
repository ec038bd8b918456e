"""What a change set would do, in lines for people: replacements in red, since what they hold is lost."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_RED, _PLAIN = "\x1b[31m", "\x1b[0m"
_MOST_NAMED = 12  # additions of one change set that are listed one by one; more are counted by type


def preview(changes: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield a line for each change, the dangerous ones last, where they are seen. `changes`: `ResourceChange`s."""
    added = [each for each in changes if each["Action"] == "Add"]
    if len(added) > _MOST_NAMED:
        kinds = Counter(each["ResourceType"].removeprefix("AWS::") for each in added)
        yield f"add {len(added)} resources: {', '.join(f'{count} {kind}' for kind, count in kinds.most_common())}"
    else:
        yield from (f"add {_named(each)}" for each in added)
    others = [each for each in changes if each["Action"] != "Add"]
    for each in sorted(others, key=lambda each: (_is_dangerous(each), each["LogicalResourceId"])):
        line = _line(each)
        yield f"{_RED}{line}{_PLAIN}" if _is_dangerous(each) else line


def of_parameters(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[str]:
    """Yield a line for each parameter that changes, such as one that an earlier command set with `--set`."""
    for name, value in before.items():
        if name in after and after[name] != value:
            yield f"parameter {name} changes from {value or 'empty'} to {after[name] or 'empty'}"


def _line(change: Mapping[str, Any]) -> str:
    if change["Action"] != "Modify":
        return f"{change['Action'].lower()} {_named(change)}"
    targets = (each.get("Target", {}) for each in change.get("Details", ()))
    names = sorted({each.get("Name") or each.get("Attribute", "") for each in targets} - {""})
    what = f": {', '.join(names)}" if names else ""
    verb = {"True": "REPLACE", "Conditional": "perhaps REPLACE"}.get(change.get("Replacement", ""), "change")
    return f"{verb} {_named(change)}{what}"


def _is_dangerous(change: Mapping[str, Any]) -> bool:
    return change["Action"] in ("Remove", "Dynamic") or change.get("Replacement") in ("True", "Conditional")


def _named(change: Mapping[str, Any]) -> str:
    return f"{change['LogicalResourceId']} ({change['ResourceType'].removeprefix('AWS::')})"
