"""Who depends on itself, by way of others."""

from collections.abc import Collection, Mapping


def in_circle(uses: Mapping[str, Collection[str]]) -> list[str]:
    """Names from which one comes back to the same name; `uses` says whom each needs. Who only leads there is none."""
    return [name for name in sorted(uses) if name in _reached(name, uses)]


def _reached(start: str, uses: Mapping[str, Collection[str]]) -> set[str]:
    found: set[str] = set()
    ahead = list(uses[start])
    while ahead:
        name = ahead.pop()
        if name not in found:
            found.add(name)
            ahead += uses.get(name, ())
    return found
