"""The items of a large JSON file one by one, so that memory does not grow with their number."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

CHUNK = 1 << 20
"""Characters that are read at a time."""
_SPACE = " \t\r\n"
_IN_NUMBERS = ".eE+-0123456789"
_DECODER = json.JSONDecoder()


def items_of(path: Path, lists: frozenset[str]) -> Iterator[tuple[str, Any]]:
    """Yield the members of the object in a file by name, in its order; of the members that are `lists`, each item.

    A file that is a list is that list, with an empty name. Raises `ValueError` if it is no such JSON.
    """
    with path.open(encoding="utf-8-sig") as file:
        text = _Text(file)
        if text.peek() == "[":
            yield from (("", item) for item in text.items())
            return
        text.expect("{")
        while text.peek() != "}":
            name = text.value()
            text.expect(":")
            if name in lists and text.peek() == "[":
                yield from ((name, item) for item in text.items())
            else:
                yield name, text.value()
            if text.peek() != "}":
                text.expect(",")


class _Text:
    """JSON from where it is read on. All methods raise `ValueError` if it is damaged, or ends."""

    def __init__(self, file: TextIO) -> None:
        self._file, self._text, self._at = file, "", 0

    def peek(self) -> str:
        """Return the next character that is no space."""
        while True:
            while self._at < len(self._text) and self._text[self._at] in _SPACE:
                self._at += 1
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._read():
                raise ValueError("the file ends too early")

    def expect(self, character: str) -> None:
        """Pass a character."""
        if (found := self.peek()) != character:
            raise ValueError(f"it has {found!r}; expected {character!r}")
        self._at += 1

    def value(self) -> Any:
        """Return the next value."""
        self.peek()
        while True:
            try:
                value, end = _DECODER.raw_decode(self._text, self._at)
            except ValueError:
                if not self._read(doubling=True):
                    raise
                continue
            follows = self._text[end : end + 1]  # a number may go on in the next chunk
            if (follows and follows not in _IN_NUMBERS) or not self._read():
                self._at = end
                return value

    def items(self) -> Iterator[Any]:
        """Yield the items of a list."""
        self.expect("[")
        while self.peek() != "]":
            yield self.value()
            if self.peek() != "]":
                self.expect(",")
        self.expect("]")

    def _read(self, *, doubling: bool = False) -> bool:
        """Read on. Return whether there was more. `doubling`: as much again, lest a long value is parsed too often."""
        rest = self._text[self._at :]
        more = self._file.read(max(CHUNK, len(rest) if doubling else 0))
        self._text, self._at = rest + more, 0
        return bool(more)
