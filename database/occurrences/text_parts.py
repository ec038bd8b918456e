"""Cut a text into parts of whole records, so that a text of any size is read with little disk, and resumed."""

from collections.abc import Iterator
from typing import IO, Final

from database.occurrences.darwin_core import TextFormat

PART: Final = 128 << 20
"""Bytes of a part: some 300,000 records of GBIF's simple CSV."""


def parts_of(text: IO[bytes], format_: TextFormat, size: int = PART) -> Iterator[bytes]:
    """Yield the records of a text in parts of about `size` bytes, in UTF-8, without header lines.

    A part ends with a line feed, which is not within quotes. All lines of the result end with a line feed alone, which
    is what DuckDB's reader expects, and a carriage return within a value becomes a space. Bytes that are not in the
    text's encoding stay, or are replaced where the text is converted.
    """
    for _ in range(format_.header_lines):
        text.readline()
    quote, rest = format_.quote.encode(), b""
    while block := text.read(size):
        block = rest + block
        end = _end_of_records(block, quote)
        rest = block[end:]
        if end:
            yield _converted(block[:end], format_.encoding)
    if rest.strip(b"\r\n"):
        yield _converted(rest if rest.endswith(b"\n") else rest + b"\n", format_.encoding)


def _end_of_records(block: bytes, quote: bytes) -> int:
    """Return the length of the whole records in a block, which starts with a record.

    A line feed ends a record if the number of quotes before it is even. If none does, a quote was left open: then the
    last line feed counts, so that one faulty record does not take the rest of the text with it.
    """
    last = end = block.rfind(b"\n") + 1
    if not quote:
        return end
    is_open = block.count(quote, 0, end) % 2
    while end and is_open:
        before = block.rfind(b"\n", 0, end - 1) + 1
        is_open ^= block.count(quote, before, end) % 2
        end = before
    return end or last


def _converted(records: bytes, encoding: str) -> bytes:
    if encoding not in ("utf-8", "ascii"):
        records = records.decode(encoding, "replace").encode()
    if b"\r" in records:
        records = records.replace(b"\r\n", b"\n").replace(b"\r", b" ")
    return records
