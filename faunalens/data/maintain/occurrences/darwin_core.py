"""The descriptor of a Darwin Core Archive, meta.xml: which files have occurrences, and how they are written. No I/O.

The occurrences are the core, or an extension of a core of events or taxa. A core of taxa may instead have the extension
Distribution, which says in which countries each taxon lives.

https://dwc.tdwg.org/text/ defines the descriptor, and the defaults for what a descriptor leaves out.
"""

import codecs
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final
from xml.etree import ElementTree

META: Final = "meta.xml"
MOST_META: Final = 1 << 20
"""Largest descriptor in bytes; one with all of Darwin Core's terms has 30 kB."""
_SPACE: Final = "{http://rs.tdwg.org/dwc/text/}"
_OCCURRENCE: Final = "http://rs.tdwg.org/dwc/terms/Occurrence"
_EVENT: Final = "http://rs.tdwg.org/dwc/terms/Event"
_TAXON: Final = "http://rs.tdwg.org/dwc/terms/Taxon"
_DISTRIBUTION: Final = "http://rs.gbif.org/terms/1.0/Distribution"
_TABLES: Final = {_OCCURRENCE: (), _EVENT: (_OCCURRENCE,), _TAXON: (_OCCURRENCE, _DISTRIBUTION)}
"""By type of core, the extensions to read: the first that an archive has. Empty: read the core itself."""
_OLD_NAMES: Final = {"darwincore", "simpledarwincore", "simpledarwinrecord"}
"""Last words of the row types that occurrence records had before the standard."""
_ESCAPES: Final = {r"\t": "\t", r"\n": "\n", r"\r\n": "\r\n", r"\r": "\r"}
_MOST_COLUMNS: Final = 10_000
_ENCODINGS: Final = {"utf-8", "ascii", "iso8859-1", "iso8859-15", "cp1252"}
"""Encodings in which a line feed is one byte that nothing else contains."""


class ArchiveError(ValueError):
    """A meta.xml cannot be read, or describes no table of occurrences."""


@dataclass(frozen=True, slots=True)
class TextFormat:
    """How a table is written as text, and in an archive the locations of its `files`.

    `columns`: names of its columns in order; an empty text for a column without a name. `quote`: empty if no value is
    quoted; a quoted value may have line breaks. `constants`: values of further columns, the same for all records.
    `identity`: position of the column with the core row's id, or None. `defaults`: values of empty fields, by column.
    """

    columns: tuple[str, ...] = ()
    constants: Mapping[str, str] = field(default_factory=dict, hash=False)
    delimiter: str = "\t"
    quote: str = ""
    encoding: str = "utf-8"
    header_lines: int = 0
    identity: int | None = None
    defaults: Mapping[str, str] = field(default_factory=dict, hash=False)
    files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Archive:
    """The tables of an archive to read. `records`: the occurrences.

    `core`: the core to which they refer, or None if the records are the core. `is_checklist`: whether the records are
    those of the extension Distribution.
    """

    records: TextFormat
    core: TextFormat | None = None
    is_checklist: bool = False


def read_meta(data: bytes) -> Archive:
    """Return which tables of an archive to read. `data`: the bytes of meta.xml. Raise `ArchiveError`."""
    if len(data) > MOST_META:
        raise ArchiveError(f"{META} has more than {MOST_META:,} bytes; expected a short description of the files")
    try:
        parser = ElementTree.XMLParser(target=_WithoutDocumentType())  # noqa: S314  # so no entities expand
        root = ElementTree.fromstring(data, parser)  # noqa: S314
    except ArchiveError:
        raise
    except (ElementTree.ParseError, LookupError, ValueError) as error:
        raise ArchiveError(f"{META} is not XML: {error}") from error
    core = root.find(f"{_SPACE}core")
    if core is None:
        raise ArchiveError(f"{META} has no core")
    kind = _kind(core)
    if kind not in _TABLES:
        raise ArchiveError(f"the core of the archive is {_short(kind)}; expected {', '.join(map(_short, _TABLES))}")
    if kind == _OCCURRENCE:
        return Archive(_format(core))
    extensions = {_kind(each): each for each in root.iterfind(f"{_SPACE}extension")}
    wanted = next((each for each in _TABLES[kind] if each in extensions), None)
    if wanted is None:
        expected = " or ".join(map(_short, _TABLES[kind]))
        raise ArchiveError(f"the archive has {_short(kind)} as its core, but no extension {expected}")
    records, of_core = _format(extensions[wanted]), _format(core)
    if records.identity is None or of_core.identity is None:
        raise ArchiveError(f"{META} has no id for its core, or no coreid for {_short(wanted)}")
    if wanted == _DISTRIBUTION:
        records = replace(records, constants={**records.constants, "occurrences": "1"})
    return Archive(records, of_core, is_checklist=wanted == _DISTRIBUTION)


class _WithoutDocumentType(ElementTree.TreeBuilder):
    """Refuses XML with a document type, in any encoding, since entities declared in it could expand without end."""

    def doctype(self, *_: object) -> None:
        raise ArchiveError(f"{META} declares a document type, which Darwin Core does not allow")


def _kind(table: ElementTree.Element) -> str:
    kind = table.get("rowType", "").strip()
    return _OCCURRENCE if kind.rpartition("/")[2].lower() in _OLD_NAMES else kind


def _short(kind: str) -> str:
    return kind.rpartition("/")[2] or "nothing"


def _format(table: ElementTree.Element) -> TextFormat:
    """Return how the core or an extension of an archive is written."""
    lines = _unescaped(table.get("linesTerminatedBy", r"\n"))
    if lines not in ("\n", "\r\n"):
        raise ArchiveError(f"{META} ends lines with {lines!r}; only \\n and \\r\\n are read")
    delimiter, quote = _unescaped(table.get("fieldsTerminatedBy", ",")), _unescaped(table.get("fieldsEnclosedBy", '"'))
    if len(delimiter) != 1 or len(quote) > 1:
        found = f"separates fields with {delimiter!r} and encloses them in {quote!r}"
        raise ArchiveError(f"{META} {found}; expected one character for each")
    try:
        encoding = codecs.lookup(table.get("encoding", "UTF-8")).name
        skipped = int(table.get("ignoreHeaderLines", "0") or 0)
    except (LookupError, ValueError) as error:
        raise ArchiveError(f"{META}: {error}") from error
    if encoding not in _ENCODINGS:
        raise ArchiveError(f"{META} says that the text is {encoding}; convert it to UTF-8")
    columns, constants, defaults = dict[int, str](), dict[str, str](), dict[str, str]()
    for each in table.iterfind(f"{_SPACE}field"):
        name, index, default = each.get("term", "").rpartition("/")[2], each.get("index"), each.get("default")
        if index is None:
            constants[name] = default or ""
        else:
            columns[_index(index, name)] = name
            if default:
                defaults[name] = default
    identity = None
    for name in ("id", "coreid"):
        if (element := table.find(f"{_SPACE}{name}")) is not None:
            identity = _index(element.get("index", "0"), name)
    width = max([*columns, -1 if identity is None else identity], default=-1) + 1
    names = unique(columns.get(number, "") for number in range(width))
    return TextFormat(names, constants, delimiter, quote, encoding, skipped, identity, defaults, _files(table))


def _files(table: ElementTree.Element) -> tuple[str, ...]:
    texts = ((each.text or "").strip() for each in table.iterfind(f"{_SPACE}files/{_SPACE}location"))
    if files := tuple(filter(None, texts)):
        return files
    raise ArchiveError(f"{META} names no file for {_short(_kind(table))}")


def unique(names: Iterable[str]) -> tuple[str, ...]:
    """Return the names of columns. A name that repeats an earlier one, whatever the case, becomes empty.

    >>> unique(["species", "Species", "lat"])
    ('species', '', 'lat')
    """
    every = list(names)
    first = {name.lower(): number for number, name in reversed([*enumerate(every)])}
    return tuple(name if first[name.lower()] == number else "" for number, name in enumerate(every))


def _index(text: str, name: str) -> int:
    if not (text.isdecimal() and int(text) < _MOST_COLUMNS):
        raise ArchiveError(f"{META}: the index of {name} is '{text}', not a number of a column")
    return int(text)


def _unescaped(text: str) -> str:
    return _ESCAPES.get(text, text)
