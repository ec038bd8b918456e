"""The descriptor of a Darwin Core Archive, meta.xml: which file has the occurrences, and how it is written. No I/O.

https://dwc.tdwg.org/text/ defines the descriptor, and the defaults for what it leaves out.
"""

import codecs
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from xml.etree import ElementTree

META: Final = "meta.xml"
_SPACE: Final = "{http://rs.tdwg.org/dwc/text/}"
_OCCURRENCE: Final = "http://rs.tdwg.org/dwc/terms/Occurrence"
_ESCAPES: Final = {r"\t": "\t", r"\n": "\n", r"\r\n": "\r\n", r"\r": "\r"}
_ENCODINGS: Final = {"utf-8", "ascii", "iso8859-1", "iso8859-15", "cp1252"}
"""Encodings in which a line feed is one byte that nothing else contains."""


class ArchiveError(ValueError):
    """A meta.xml cannot be read, or describes no table of occurrences."""


@dataclass(frozen=True, slots=True)
class TextFormat:
    """How a table is written as text. `columns`: their names in order; empty for a column without one.

    `quote`: empty if nothing is quoted; a quoted value may have line breaks. `constants`: values of further columns,
    the same in each record.
    """

    columns: tuple[str, ...] = ()
    constants: Mapping[str, str] = field(default_factory=dict, hash=False)
    delimiter: str = "\t"
    quote: str = ""
    encoding: str = "utf-8"
    header_lines: int = 0


def read_meta(data: bytes) -> list[tuple[str, TextFormat]]:
    """Return the locations of the files with occurrences, and how they are written. Raise `ArchiveError`."""
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
        raise ArchiveError(f"{META} declares a document type, which Darwin Core does not allow")
    try:
        root = ElementTree.fromstring(data)  # noqa: S314  # without a document type there are no entities to expand
    except (ElementTree.ParseError, LookupError, ValueError) as error:
        raise ArchiveError(f"{META} is not XML: {error}") from error
    core = root.find(f"{_SPACE}core")
    if core is None:
        raise ArchiveError(f"{META} has no core")
    if core.get("rowType", "").strip() != _OCCURRENCE:
        kind = core.get("rowType", "").rpartition("/")[2] or "nothing"
        raise ArchiveError(f"the core of the archive is {kind}, not Occurrence; places of other cores are not read")
    locations = [
        text for each in core.iterfind(f"{_SPACE}files/{_SPACE}location") if (text := (each.text or "").strip())
    ]
    if not locations:
        raise ArchiveError(f"{META} names no file for its core")
    format_ = _format(core)
    return [(location, format_) for location in locations]


def _format(core: ElementTree.Element) -> TextFormat:
    lines = _unescaped(core.get("linesTerminatedBy", r"\n"))
    if lines not in ("\n", "\r\n"):
        raise ArchiveError(f"{META} ends lines with {lines!r}; only \\n and \\r\\n are read")
    delimiter, quote = _unescaped(core.get("fieldsTerminatedBy", ",")), _unescaped(core.get("fieldsEnclosedBy", '"'))
    if len(delimiter) != 1 or len(quote) > 1:
        raise ArchiveError(
            f"{META} separates fields with {delimiter!r} and encloses them in {quote!r}; give one character"
        )
    try:
        encoding = codecs.lookup(core.get("encoding", "UTF-8")).name
        skipped = int(core.get("ignoreHeaderLines", "0") or 0)
    except (LookupError, ValueError) as error:
        raise ArchiveError(f"{META}: {error}") from error
    if encoding not in _ENCODINGS:
        raise ArchiveError(f"{META} says that the text is {encoding}; convert it to UTF-8")
    columns: dict[int, str] = {}
    constants: dict[str, str] = {}
    for each in core.iterfind(f"{_SPACE}field"):
        name, index, default = each.get("term", "").rpartition("/")[2], each.get("index"), each.get("default")
        if index is None:
            constants[name] = default or ""
        elif index.isdecimal() and int(index) < 10_000:
            columns[int(index)] = name
        else:
            raise ArchiveError(f"{META}: the index of {name} is '{index}', not a number of a column")
    identity = core.find(f"{_SPACE}id")
    width = max([*columns, int(identity.get("index", "0")) if identity is not None else -1], default=-1) + 1
    names = tuple(columns.get(number, "") for number in range(width))
    return TextFormat(names, constants, delimiter, quote, encoding, skipped)


def _unescaped(text: str) -> str:
    return _ESCAPES.get(text, text)
