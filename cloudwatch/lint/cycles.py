"""Find names that depend on themselves, directly or through other names."""

from collections.abc import Collection, Mapping


def in_cycle(dependencies: Mapping[str, Collection[str]]) -> list[str]:
    """Return the names that are part of a cycle, sorted. Names that only depend on a cycle are left out."""
    return [name for name in sorted(dependencies) if name in _reachable(name, dependencies)]


def _reachable(start: str, dependencies: Mapping[str, Collection[str]]) -> set[str]:
    found: set[str] = set()
    pending = list(dependencies[start])
    while pending:
        name = pending.pop()
        if name not in found:
            found.add(name)
            pending += dependencies.get(name, ())
    return found
