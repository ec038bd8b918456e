"""Check dashboards, alarms, composites and queries against CloudWatch's rules and against what the code emits.

schema.json has the rules about the structure of dashboards and alarms, as JSON Schema.
"""

import json
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import ValidationError

_FEW = 12
_DEFINITIONS: dict[str, Any] = json.loads(Path(__file__).with_name("schema.json").read_text(encoding="utf-8"))["$defs"]


class LintFinding(NamedTuple):
    """One problem. `place` is the widget, key or line within the file; empty for the file as a whole."""

    file: str
    place: str
    message: str

    def __str__(self) -> str:
        return ": ".join(filter(None, self))


def suggest(wrong: str, right: Iterable[str]) -> str:
    """Suggest the most similar valid value. If none is similar, list all valid values, or a few if there are many."""
    known = sorted(right)
    if near := get_close_matches(wrong, known, n=1, cutoff=0.7):
        return f'did you mean "{near[0]}"?'
    if len(known) > _FEW:
        return f"{len(known)} are known, such as {', '.join(known[:3])}"
    return f"write one of {', '.join(known)}" if known else "remove it"


def structure_errors(value: Any, part: str) -> list[str]:
    """Return the errors in the structure of a part of a file. `part`: its name in `$defs`, such as `dashboard`."""
    errors = sorted(_validator(part).iter_errors(value), key=lambda each: [str(step) for step in each.absolute_path])
    return list(dict.fromkeys(_message(error) for error in errors))


@cache
def _validator(part: str) -> "Draft202012Validator":
    from jsonschema import Draft202012Validator

    return Draft202012Validator({"$ref": f"#/$defs/{part}", "$defs": _DEFINITIONS})


def _message(error: "ValidationError") -> str:
    """Return where an error of JSON Schema is, what it is, and what to write. Indices count from 1."""
    steps = (f"[{step + 1}]" if isinstance(step, int) else f".{step}" for step in error.absolute_path)
    path = "".join(steps).removeprefix(".")
    schema: Mapping[str, Any] = error.schema if isinstance(error.schema, Mapping) else {}
    found: Any = error.instance
    if error.validator in ("required", "additionalProperties"):
        known = schema.get("properties", {})
        extra = next(iter(sorted(found.keys() - known.keys())), "")
        hint = f"; {suggest(extra, known)}" if extra and error.validator == "additionalProperties" else ""
        return f"{path and f'{path}: '}{error.message}{hint}"
    shown = json.dumps(found, ensure_ascii=False)
    wanted = schema.get("description") or " or ".join(schema.get("enum", ())) or error.message
    return f"{path or 'the whole'} is {shown if len(shown) <= 60 else f'{shown[:57]}…'}; write {wanted}"
