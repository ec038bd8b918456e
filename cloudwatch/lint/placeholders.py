"""Words that were meant as placeholders and are none, so that they would be deployed as they stand."""

import re
from collections.abc import Collection, Iterator
from difflib import get_close_matches

_CAPITALS = re.compile(r"(?<![A-Za-z_])[A-Z][A-Z_]{5,}(?![A-Za-z_])")


def misspelt(text: str, known: Collection[str]) -> Iterator[str]:
    """What is wrong with words in capitals that are nearly a placeholder."""
    for word in sorted(set(_CAPITALS.findall(text)) - set(known)):
        if near := get_close_matches(word, known, n=1, cutoff=0.75):
            yield f'"{word}" is no placeholder and would stay as it is; did you mean {near[0]}?'
