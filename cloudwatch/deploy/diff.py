"""Differences for people: a few lines of what changes, in green and red on a terminal."""

import json
from collections.abc import Iterator, Mapping
from difflib import unified_diff
from typing import Any

GREEN, RED, YELLOW, PLAIN = "\x1b[32m", "\x1b[31m", "\x1b[33m", "\x1b[0m"
_SHORT = 100
"""A list or object that fits in so many characters stands on one line, as the files have it."""


def diff(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    """Lines that go (`-`) and come (`+`), with two around them, and `@@` where a part was skipped."""
    old, new = written(before).splitlines(), written(after).splitlines()
    for line in list(unified_diff(old, new, lineterm="", n=2))[2:]:
        yield "@@" if line.startswith("@@") else line


def written(value: Any, indent: int = 0) -> str:
    """JSON as a person would lay it out: what is short on one line, all else a line an item."""
    flat = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, Mapping | list) or not value or (indent and len(flat) <= _SHORT):
        return flat
    pad, end = "  " * (indent + 1), "  " * indent
    if isinstance(value, list):
        return "[\n" + ",\n".join(pad + written(each, indent + 1) for each in value) + f"\n{end}]"
    items = (f"{pad}{json.dumps(key)}: {written(each, indent + 1)}" for key, each in value.items())
    return "{\n" + ",\n".join(items) + f"\n{end}}}"


def coloured(line: str) -> str:
    """A line of a diff in the colour of its sign."""
    color = {"+": GREEN, "-": RED, "~": YELLOW}.get(line.lstrip()[:1])
    return f"{color}{line}{PLAIN}" if color else line
