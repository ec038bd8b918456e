"""Show the lines that differ between two JSON objects, with colours for a terminal."""

import json
from collections.abc import Iterator, Mapping
from difflib import unified_diff
from typing import Any

GREEN, RED, YELLOW, PLAIN = "\x1b[32m", "\x1b[31m", "\x1b[33m", "\x1b[0m"
_SHORT = 100
"""Maximum number of characters of a list or object that stays on one line, as in the files."""


def diff(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    """Yield removed (`-`) and added (`+`) lines with two lines of context. `@@` marks skipped lines."""
    old, new = pretty(before).splitlines(), pretty(after).splitlines()
    for line in list(unified_diff(old, new, lineterm="", n=2))[2:]:
        yield "@@" if line.startswith("@@") else line


def pretty(value: Any, indent: int = 0) -> str:
    """Return a value as JSON text. A short list or object is on one line; a long one has a line for each item."""
    flat = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, Mapping | list) or not value or (indent and len(flat) <= _SHORT):
        return flat
    pad, end = "  " * (indent + 1), "  " * indent
    if isinstance(value, list):
        return "[\n" + ",\n".join(pad + pretty(each, indent + 1) for each in value) + f"\n{end}]"
    items = (f"{pad}{json.dumps(key)}: {pretty(each, indent + 1)}" for key, each in value.items())
    return "{\n" + ",\n".join(items) + f"\n{end}}}"


def coloured(line: str) -> str:
    """Return a line of a diff with the terminal colour of its sign: `+`, `-` or `~`."""
    color = {"+": GREEN, "-": RED, "~": YELLOW}.get(line.lstrip()[:1])
    return f"{color}{line}{PLAIN}" if color else line
