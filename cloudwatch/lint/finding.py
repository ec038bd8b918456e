"""What lint found: where, what is wrong and what to write instead."""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

_FEW = 12


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One thing that is wrong. `place` is the widget, the key or the line within the file; empty for all of it."""

    file: str
    place: str
    message: str

    def __str__(self) -> str:
        return ": ".join(each for each in (self.file, self.place, self.message) if each)


def instead(wrong: str, right: Iterable[str]) -> str:
    """What to write instead: the one that is nearest, or all if none is near and they are few."""
    known = sorted(right)
    if near := get_close_matches(wrong, known, n=1, cutoff=0.7):
        return f'did you mean "{near[0]}"?'
    if len(known) > _FEW:
        return f"it is none of the {len(known)} that are known, such as {', '.join(known[:3])}"
    return f"write one of {', '.join(known)}" if known else "remove it"


def quoted(name: str, values: Iterable[str]) -> str:
    """`name (a, b)`, for people."""
    return f"{name} ({', '.join(values)})"
