"""Find misspelt placeholders, which would be deployed as they are."""

import re
from collections.abc import Collection, Iterator
from difflib import get_close_matches

_CAPITALS = re.compile(r"(?<![A-Za-z_])[A-Z][A-Z_]{5,}(?![A-Za-z_])")


def misspelt(text: str, known: Collection[str]) -> Iterator[str]:
    """Yield words in capitals that are similar to a placeholder, with the placeholder."""
    for word in sorted(set(_CAPITALS.findall(text)) - set(known)):
        if near := get_close_matches(word, known, n=1, cutoff=0.75):
            yield f'"{word}" is not a placeholder and would stay as it is; did you mean {near[0]}?'
