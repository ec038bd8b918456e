"""The records of a text in parts, in UTF-8, however large it is and whatever is quoted."""

from collections.abc import Iterator
from typing import IO, Final

from database.maintain.occurrences.darwin_core import TextFormat
from database.maintain.occurrences.tables import OccurrenceError

PART: Final = 128 << 20
"""Bytes of a part: some 300,000 records of GBIF's simple CSV."""
MOST_RECORD: Final = 16 << 20
"""Largest record in bytes; the longest at GBIF has some 100 kB. Without a limit, a text without line feeds fills all
memory."""


def parts_of(text: IO[bytes], format_: TextFormat, size: int = PART, lines: int = PART) -> Iterator[bytes]:
    """Yield the records of a text in parts of about `size` bytes and at most `lines` lines, in UTF-8, without header.

    So a text of any size is read with little disk, and a reading that was interrupted can be resumed.

    A part ends with a line feed, which is not within quotes. All lines of the result end with a line feed alone, which
    is what DuckDB's reader expects, and a carriage return within a value becomes a space. Bytes that are not in the
    text's encoding stay, or are replaced where the text is converted.
    """
    for _ in range(format_.header_lines):
        text.readline(MOST_RECORD)
    quote, rest = format_.quote.encode(), b""
    while block := text.read(size):
        block = rest + block
        end = _end_of_records(block, quote)
        rest = block[end:]
        if len(rest) > MOST_RECORD:
            raise OccurrenceError(
                f"a record has more than {MOST_RECORD >> 20} MB; expected a line for each (is the quote of a value "
                "missing, or does the text end its lines otherwise?)"
            )
        for part in _halved(block[:end], quote, lines) if end else ():
            yield _converted(part, format_.encoding)
    if rest.strip(b"\r\n"):
        yield _converted(rest if rest.endswith(b"\n") else rest + b"\n", format_.encoding)


def _halved(block: bytes, quote: bytes, lines: int) -> Iterator[bytes]:
    """Yield whole records of a block in parts of at most `lines` lines, or of a single record."""
    middle = len(block) // 2
    end = _length_of_records(block[:middle], quote) or _end_of_record(block, middle, quote)
    if block.count(b"\n") > lines and end < len(block):
        yield from _halved(block[:end], quote, lines)
        yield from _halved(block[end:], quote, lines)
    else:
        yield block


def _end_of_record(block: bytes, start: int, quote: bytes) -> int:
    """Return where the record that `start` is in ends."""
    is_open = block.count(quote, 0, start) % 2 if quote else 0
    while end := block.find(b"\n", start) + 1:
        is_open ^= block.count(quote, start, end) % 2 if quote else 0
        if not is_open:
            return end
        start = end
    return len(block)


def _end_of_records(block: bytes, quote: bytes) -> int:
    """Return the length of the whole records in a block, which starts with a record.

    If there is none, a quote was left open: then the last line feed counts, so that one faulty record does not take the
    rest of the text with it.
    """
    return _length_of_records(block, quote) or block.rfind(b"\n") + 1


def _length_of_records(block: bytes, quote: bytes) -> int:
    """Return the same, or 0. A line feed ends a record if the number of quotes before it is even."""
    end = block.rfind(b"\n") + 1
    is_open = block.count(quote, 0, end) % 2 if quote else 0
    while end and is_open:
        before = block.rfind(b"\n", 0, end - 1) + 1
        is_open ^= block.count(quote, before, end) % 2
        end = before
    return end


def _converted(records: bytes, encoding: str) -> bytes:
    if encoding not in ("utf-8", "ascii"):
        records = records.decode(encoding, "replace").encode()
    if b"\r" in records:
        records = records.replace(b"\r\n", b"\n").replace(b"\r", b" ")
    return records
