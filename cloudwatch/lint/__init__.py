"""Check dashboards, alarms, composites and queries against CloudWatch's rules and against what the code emits."""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

_FEW = 12


@dataclass(frozen=True, slots=True, order=True)
class LintFinding:
    """One problem. `place` is the widget, key or line within the file; empty for the file as a whole."""

    file: str
    place: str
    message: str

    def __str__(self) -> str:
        return ": ".join(each for each in (self.file, self.place, self.message) if each)


def suggest(wrong: str, right: Iterable[str]) -> str:
    """Suggest the most similar valid value. If none is similar, list all valid values, or a few if there are many."""
    known = sorted(right)
    if near := get_close_matches(wrong, known, n=1, cutoff=0.7):
        return f'did you mean "{near[0]}"?'
    if len(known) > _FEW:
        return f"{len(known)} are known, such as {', '.join(known[:3])}"
    return f"write one of {', '.join(known)}" if known else "remove it"
