"""The language of ranges, and the statements about where a taxon lives: the rows of faunalens/data/ranges/*.csv.

A range is areas as a short expression, such as `southeastern-US + US-TX - US-WV ; lat <= 36.5`:

    range       areas [; limits]
    areas       list, then any number of: + list, or - list      from left to right
    list        areas separated by spaces                        their union
                list & list                                      where both overlap
                ( areas )
    limits      limit, limit, …                                  all of them hold
    limit       lat or lon, then <= or >=, then degrees

An area is a code of ISO 3166-1 (`AU`) or ISO 3166-2 (`US-TX`), or a name: of a group in groups.csv (`Sahel`), of a
remote island (`Cocos-Island`), of a sea (`Coral-Sea`) or of a physical region (`Borneo`). A code leaves out the islands
in remote_islands.csv: `CR` means Costa Rica without Cocos island, unless the range names it too. `+` and `-` stand
between spaces, since names contain hyphens. A list binds more tightly than `+` and `-`: `AU - AU-TAS AU-WA` leaves out
both states.

    >>> str(parse("AU - AU-TAS AU-WA ; lat >= -30"))
    'AU - AU-TAS AU-WA ; lat >= -30'
"""

import csv
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from io import StringIO
from pathlib import Path
from typing import Final, Literal, NamedTuple

from faunalens.data.dataset_files import DatasetError, read_text

_TOKENS = re.compile(
    r"(?P<space>\s+)|(?P<sign>[-+&();,](?=\s|$|[()])|[();,])|(?P<compare>[<>]=)|(?P<word>[^\s();,<>=&]+)"
)
_DEGREES = {"lat": 90.0, "lon": 180.0}
_LEVELS = ("+-", "&", " ")
"""Signs between areas. The signs of a later level bind more tightly."""


class RangeError(ValueError):
    """A range is faulty. `column`: position of the mistake in the text, from 1."""

    def __init__(self, message: str, column: int) -> None:
        super().__init__(message)
        self.column = column


class RangeSyntaxError(RangeError):
    """The text of a range breaks the syntax of the language."""


@dataclass(frozen=True, slots=True)
class Area:
    """An area by its code or name. `column`: its position in the text of the range, from 1."""

    name: str
    column: int

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Joined:
    """Areas joined from left to right: `+` adds an area, `-` removes one, `&` keeps the overlap, a space is the union.

    All signs in it have the same precedence, a level of `_LEVELS`.
    """

    first: "Areas"
    rest: "tuple[tuple[str, Areas], ...]"

    def __str__(self) -> str:
        rest = (f"{sign if sign == ' ' else f' {sign} '}{self._text(areas)}" for sign, areas in self.rest)
        return self._text(self.first) + "".join(rest)

    def _text(self, areas: "Areas") -> str:
        """Return an operand as text, in parentheses unless it is a single area or binds more tightly than this."""
        return str(areas) if isinstance(areas, Area) or areas.level > self.level else f"({areas})"

    @property
    def level(self) -> int:
        """Return the precedence of the signs; higher binds more tightly."""
        return next(level for level, signs in enumerate(_LEVELS) if self.rest[0][0] in signs)


type Areas = Area | Joined


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit on latitude or longitude of a cell's centre, such as `lat <= 36.5`, in decimal degrees, inclusive."""

    axis: Literal["lat", "lon"]
    sign: Literal["<=", ">="]
    degrees: float

    def __str__(self) -> str:
        return f"{self.axis} {self.sign} {self.degrees:g}"


@dataclass(frozen=True, slots=True)
class Range:
    """Areas, cut off at limits of latitude or longitude (`limits`), which apply to all of the areas."""

    areas: Areas
    limits: tuple[Limit, ...] = ()

    def __str__(self) -> str:
        return f"{self.areas} ; {', '.join(map(str, self.limits))}" if self.limits else str(self.areas)


@cache
def parse(text: str) -> Range:
    """Parse a range, cached since a third of all statements repeat one. Raises `RangeSyntaxError`."""
    return _Parser(text).range()


def areas_in(tree: Areas) -> Iterator[Area]:
    """Yield every area of an expression, from left to right."""
    if isinstance(tree, Area):
        yield tree
    else:
        for each in (tree.first, *(areas for _, areas in tree.rest)):
            yield from areas_in(each)


class _Token(NamedTuple):
    text: str
    kind: str
    column: int


class _Parser:
    """A parser by recursive descent: one method for each rule of the language."""

    def __init__(self, text: str) -> None:
        self._tokens = list(_tokens(text))
        self._next = 0

    def range(self) -> Range:
        areas = self._areas()
        limits = [self._limit()] if self._take(";") else []
        while limits and self._take(","):
            limits.append(self._limit())
        if self._peek().kind != "end":
            raise self._unexpected("the end, '+', '-' or ';'")
        return Range(areas, tuple(limits))

    def _areas(self, level: int = 0) -> Areas:
        if level == len(_LEVELS):
            return self._operand()
        first, rest = self._areas(level + 1), []
        while sign := self._sign(level):
            rest.append((sign, self._areas(level + 1)))
        return Joined(first, tuple(rest)) if rest else first

    def _sign(self, level: int) -> str:
        """If the next token is a sign of a level, take it and return it; otherwise return an empty text."""
        if _LEVELS[level] == " ":
            return " " if self._peek().kind == "word" or self._peek().text == "(" else ""
        return next((sign for sign in _LEVELS[level] if self._take(sign)), "")

    def _operand(self) -> Areas:
        if self._take("("):
            areas = self._areas()
            if not self._take(")"):
                raise self._unexpected("')'")
            return areas
        token = self._token("word", "an area")
        if token.text[0] in "+-":
            raise RangeSyntaxError(f"put a space after '{token.text[0]}'", token.column)
        return Area(token.text, token.column)

    def _limit(self) -> Limit:
        axis = self._token("word", "'lat' or 'lon'")
        if axis.text not in _DEGREES:
            raise RangeSyntaxError(f"expected 'lat' or 'lon' instead of '{axis.text}'", axis.column)
        sign, number = self._token("compare", "'<=' or '>='"), self._token("word", "degrees")
        try:
            degrees = float(number.text)
        except ValueError:
            raise RangeSyntaxError(f"expected degrees instead of '{number.text}'", number.column) from None
        most = _DEGREES[axis.text]
        if not -most <= degrees <= most:
            raise RangeSyntaxError(f"{axis.text} must be between {-most:g} and {most:g}", number.column)
        return Limit(axis.text, sign.text, degrees)  # type: ignore[arg-type]

    def _token(self, kind: str, expected: str) -> _Token:
        token = self._peek()
        if token.kind != kind:
            raise self._unexpected(expected)
        self._next += 1
        return token

    def _peek(self) -> _Token:
        return self._tokens[self._next]

    def _take(self, text: str) -> bool:
        found = self._peek().kind != "word" and self._peek().text == text
        self._next += found
        return found

    def _unexpected(self, expected: str) -> RangeSyntaxError:
        token = self._peek()
        found = f"'{token.text}'" if token.kind != "end" else "the end"
        return RangeSyntaxError(f"expected {expected} instead of {found}", token.column)


def _tokens(text: str) -> Iterator[_Token]:
    position = 0
    while position < len(text):
        found = _TOKENS.match(text, position)
        if found is None:
            raise RangeSyntaxError(f"'{text[position]}' is not part of the language", position + 1)
        if found.lastgroup != "space":
            yield _Token(found.group(), str(found.lastgroup), position + 1)
        position = found.end()
    yield _Token("", "end", len(text) + 1)


_WORDS = {" ": ", ", "&": " where also ", "+": " and ", "-": " without "}
_COMPASS = {"lat": ("N", "S"), "lon": ("E", "W")}
_SIDES = {("lat", "<="): "south of", ("lat", ">="): "north of", ("lon", "<="): "west of", ("lon", ">="): "east of"}


def in_words(statement: Range, names: Mapping[str, str]) -> str:
    """Return a range in plain words. `names`: name of each code.

    >>> in_words(parse("AU - AU-TAS ; lat >= -30.5"), {"AU": "Australia", "AU-TAS": "Tasmania"})
    'Australia without Tasmania, north of 30.5° S'
    """
    limits = (
        f"{_SIDES[each.axis, each.sign]} {abs(each.degrees):g}° {_COMPASS[each.axis][each.degrees < 0]}"
        for each in statement.limits
    )
    return ", ".join([_areas_in_words(statement.areas, names), *limits])


def _areas_in_words(areas: Areas, names: Mapping[str, str]) -> str:
    if isinstance(areas, Area):
        return names.get(areas.name, areas.name.replace("-", " "))
    steps = (f"{_WORDS[sign]}{_areas_in_words(each, names)}" for sign, each in areas.rest)
    return _areas_in_words(areas.first, names) + "".join(steps)


HERE: Final = Path(__file__).parent

COLUMNS: Final = ("taxon", "areas", "status", "certainty", "extent", "season", "source", "note")
CHOICES: Final[Mapping[str, tuple[str, ...]]] = {
    "status": ("native", "introduced", "vagrant", "absent"),
    "certainty": ("sure", "doubt"),
    "extent": ("throughout", "within"),
    "season": ("", "breeding", "winter", "passage"),
}
"""The allowed values of columns. An empty cell means the first value."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One source's statement that a taxon lives in a range.

    `status`: `native`, `introduced`, `vagrant` (strays, which do not count), or `absent` (a neighbouring range does not
    spread into this one). `certainty`: `sure` or `doubt`. `extent`: `throughout` the range, or only somewhere `within`
    it, where a range map says. `season`: empty for the whole year or if unknown; all seasons together are the taxon's
    range. `place`: the file, relative to faunalens/data/ranges/, and the line, for messages.
    """

    taxon: str
    range: Range
    status: str
    certainty: str
    extent: str
    season: str
    source: str
    note: str
    place: str


def read_statements(path: Path) -> list[Statement]:
    """Read a file's statements. Raise `DatasetError` for an unreadable file or the first faulty row, with its line."""
    name = path.relative_to(HERE).as_posix() if path.is_relative_to(HERE) else path.name
    rows = csv.DictReader(StringIO(read_text(path), newline=""), strict=True)
    try:
        if tuple(rows.fieldnames or ()) != COLUMNS:
            raise DatasetError(f"{name}, line 1: expected the columns {','.join(COLUMNS)}")
        return [_statement(row, f"{name}, line {rows.line_num}") for row in rows]
    except csv.Error as error:
        raise DatasetError(f"{name}, line {rows.reader.line_num}: {error}") from error


def _statement(row: Mapping[str, str | None], place: str) -> Statement:
    if None in row or None in row.values():
        raise DatasetError(f"{place}: expected {len(COLUMNS)} columns; quote a cell that contains a comma")
    values = {name: str(value).strip() for name, value in row.items()}
    for column, choices in CHOICES.items():
        values[column] = values[column] or choices[0]
        if values[column] not in choices:
            named = ", ".join(filter(None, choices))
            raise DatasetError(f"{place}: {column} is '{values[column]}'; expected one of {named}")
    for column in ("taxon", "source"):
        if not values[column]:
            raise DatasetError(f"{place}: {column} is empty")
    try:
        areas = parse(values.pop("areas"))
    except RangeSyntaxError as error:
        raise DatasetError(f"{place}, column {error.column} of areas: {error}") from error
    return Statement(range=areas, place=place, **values)


def by_taxon(statements: Iterable[Statement]) -> dict[str, list[Statement]]:
    """Group statements by taxon: the key is the taxon's id. Statements stay in the given order."""
    grouped: dict[str, list[Statement]] = {}
    for statement in statements:
        grouped.setdefault(statement.taxon, []).append(statement)
    return grouped
