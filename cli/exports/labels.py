"""Labels of taxa, for formats that tell them apart by their name alone."""

from collections import Counter
from collections.abc import Iterable

from cli.study.finding import Named

type Key = tuple[str, str]
"""Name and scientific name. Taxa may share the former: a family of one genus is often called like it."""


def key_of(named: Named) -> Key:
    """Return what tells a taxon apart. Breeds share their scientific name."""
    return named.name, named.scientific_name


def labels_of(keys: Iterable[Key]) -> dict[Key, str]:
    """Return a label for each taxon: its name, with the scientific name if another one is called so too.

    >>> list(labels_of([("lion", "Panthera leo"), ("trogon", "Trogonidae"), ("trogon", "Trogoniformes")]).values())
    ['lion', 'trogon (Trogonidae)', 'trogon (Trogoniformes)']
    """
    distinct = sorted(set(keys))
    often = Counter(name for name, _ in distinct)
    return {(name, latin): f"{name} ({latin})" if often[name] > 1 else name for name, latin in distinct}
