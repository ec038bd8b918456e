"""Read range statements in prose, such as those of AviList, as cells. No I/O.

    southern Mexico (Chiapas) to northwestern Costa Rica; introduced Cuba

Places are the phrases of a gazetteer. Words of direction before a place keep that side of it, places in brackets replace
the place before them, and "to" adds what lies between two places. All other words are ignored. Where prose is vague the
reader keeps more, because a region that is missing is worse than one too many.
"""

import re
from collections.abc import Mapping, Set
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from database.areas.area_cells import LAND, Cells, Earth

KEPT: Final = 0.7
"""Share of a place that a direction keeps: "southern Peru" is the southern 70% of its cells."""
FAR: Final = 0.5
"""The same for "far southern"."""
SMALLEST: Final = 6
"""Cells of the smallest place that directions cut."""

_DIRECTION = re.compile(r"\b(far |extreme )?((?:north|south|east|west|central)[a-z-]*)(?![a-z-])")
_LINK = re.compile(r"\b(?:to|through)\b")
_EXCEPT = re.compile(r"\b(?:except|excluding|but not|absent)\b")
_MORE = re.compile(r"^\s*(?:to|through|includ|and|also|mainly|mostly|plus)\b|^\s*including")
_ASIDE = re.compile(r"^\s*(?:off|between|near|east of|west of|north of|south of)\b")
_GONE = re.compile(r"\b(?:formerly|extinct|extirpated)\b")


class _Item(NamedTuple):
    """A place in a clause. `is_linked`: the place before reaches to it. `is_absent`: the animal does not live there."""

    cells: Cells
    is_linked: bool
    is_absent: bool


class Prose:
    """A reader of range prose. `places`: the cells of each phrase.

    `shared`: the phrases that name several places, such as Amazonas. They mean those that the rest of the text names.
    """

    def __init__(self, earth: Earth, places: Mapping[str, Cells], shared: Set[str] = frozenset()) -> None:
        self._earth, self._places, self._shared = earth, places, shared
        names = "|".join(map(re.escape, sorted(places, key=len, reverse=True)))
        self._token = re.compile(rf"(?<![\w-])(?:{names})(?![\w-])|\(")

    def cells_of(self, text: str) -> Cells:
        """Return the cells of a statement, which may have a part for each subspecies: `name: text | name: text`."""
        found = self._nothing()
        for part in text.split(" | "):
            prose = part.partition(": ")[2] or part
            context = self._nothing()
            for token in self._token.finditer(prose):
                if token.group() in self._places and token.group() not in self._shared:
                    context |= self._places[token.group()]
            for clause in prose.split(";"):
                if not _GONE.search(clause):
                    found |= self._cells(self._items(clause, context), found)
        return found

    def _items(self, clause: str, context: Cells) -> list[_Item]:
        """Return the places in a clause. `context`: the cells of all places in the same text."""
        items: list[_Item] = []
        end = 0
        while (token := self._token.search(clause, end)) is not None:
            before = clause[end : token.start()]
            end = token.end()
            if token.group() != "(":
                name, words = token.group(), before
                direction, _, rest = name.partition(" ")
                if rest in self._places and _DIRECTION.search(before) and _DIRECTION.fullmatch(direction):
                    name, words = rest, f"{before}{direction} "  # "southern and eastern Africa"
                cells = self._directed(self._place(name, context), words)
                items.append(_Item(cells, bool(_LINK.search(before)), bool(_EXCEPT.search(before))))
                continue
            inner = clause[end : (stop := _closing(clause, end))]
            end = stop + 1
            if items:
                items[-1] = items[-1]._replace(cells=self._refined(items[-1].cells, inner, context))
            else:
                items = self._items(inner, context)
        return items

    def _cells(self, items: list[_Item], before: Cells) -> Cells:
        """Return the cells of a clause. `before`: those of the clauses before it, as in "breeds Texas; winters to Peru"."""
        found, last = self._nothing(), before if before.any() else None
        for item in items:
            if item.is_absent:
                found &= ~item.cells
                continue
            found |= item.cells
            if item.is_linked and last is not None:
                found |= self._between(last, item.cells)
            last = item.cells
        return found

    def _refined(self, cells: Cells, inner: str, context: Cells) -> Cells:
        """Return a place as the brackets after it describe it."""
        items = self._items(inner, context)
        named = self._cells(items, cells)
        if _ASIDE.search(inner) or not items:
            return cells
        if items[0].is_absent:
            return cells & ~np.logical_or.reduce([item.cells for item in items])
        if _MORE.search(inner):
            return cells | named
        return named if (named & cells).any() else cells

    def _place(self, name: str, context: Cells) -> Cells:
        cells = self._places[name]
        if name in self._shared and (cells & context).any():
            return cells & context
        return cells

    def _directed(self, cells: Cells, before: str) -> Cells:
        """Return the sides of a place that the words before it name."""
        where = np.flatnonzero(cells.any(axis=0))
        directions = _DIRECTION.findall(before)
        if len(where) < SMALLEST or not directions:
            return cells
        latitude, longitude = self._earth.latitude[where], _unwrapped(self._earth.longitude[where])
        kept = np.zeros(len(where), bool)
        for far, word in directions:
            share = FAR if far else KEPT
            each = np.ones(len(where), bool)
            for name, values, sign in (
                ("north", latitude, 1),
                ("south", latitude, -1),
                ("east", longitude, 1),
                ("west", longitude, -1),
            ):
                if name in word:
                    each &= values * sign >= np.quantile(values * sign, 1 - share)
            if "central" in word:
                for values in (latitude, longitude):
                    low, high = np.quantile(values, ((1 - share) / 2, (1 + share) / 2))
                    each &= (values >= low) & (values <= high)
            kept |= each
        result = self._nothing()
        result[:, where[kept]] = cells[:, where[kept]]
        return result

    def _between(self, one: Cells, other: Cells) -> Cells:
        """Return the land within the convex hull of two places."""
        where = np.flatnonzero((one | other).any(axis=0))
        longitude = _unwrapped(self._earth.longitude[where])
        hull = _hull(np.column_stack([longitude, self._earth.latitude[where]]))
        result = self._nothing()
        around = (self._earth.longitude - longitude.min()) % 360 + longitude.min()
        inside = self._earth.realm[LAND].copy()
        for (x1, y1), (x2, y2) in zip(hull, np.roll(hull, -1, axis=0), strict=True):
            inside &= (x2 - x1) * (self._earth.latitude - y1) - (y2 - y1) * (around - x1) >= -1e-9
        result[LAND] = inside
        return result

    def _nothing(self) -> Cells:
        return np.zeros((2, len(self._earth.cells)), bool)


def _closing(text: str, start: int) -> int:
    """Return the position of the bracket that closes the one before `start`, or the end of the text."""
    depth = 1
    for position in range(start, len(text)):
        depth += (text[position] == "(") - (text[position] == ")")
        if not depth:
            return position
    return len(text)


def _unwrapped(longitude: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return longitudes without a jump at 180 degrees, if the places lie on both sides of it."""
    if np.ptp(longitude) > 180 and np.ptp(longitude % 360) < np.ptp(longitude):
        return longitude % 360
    return longitude


def _hull(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the corners of the convex hull of points, counterclockwise (Andrew's monotone chain)."""
    ordered = sorted({(float(x), float(y)) for x, y in points})
    halves = []
    for sequence in (ordered, ordered[::-1]):
        half: list[tuple[float, float]] = []
        for x, y in sequence:
            while len(half) > 1:
                (x1, y1), (x2, y2) = half[-2:]
                if (x2 - x1) * (y - y1) - (y2 - y1) * (x - x1) > 0:
                    break
                half.pop()
            half.append((x, y))
        halves.append(half[:-1])
    return np.array(halves[0] + halves[1])
