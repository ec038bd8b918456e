"""Find misspelt placeholders, which deploy would not replace."""

import re
from collections.abc import Collection, Iterator
from difflib import get_close_matches

_CAPITALS = re.compile(r"(?<![A-Za-z_])[A-Z][A-Z_]{5,}(?![A-Za-z_])")


def misspelt(text: str, known: Collection[str]) -> Iterator[str]:
    """Yield a message for each word in capitals that is similar to a placeholder."""
    for word in sorted(set(_CAPITALS.findall(text)) - set(known)):
        if near := get_close_matches(word, known, n=1, cutoff=0.75):
            yield f'"{word}" is not a placeholder, so deploy would not replace it; did you mean {near[0]}?'
