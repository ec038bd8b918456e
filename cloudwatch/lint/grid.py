"""Check the grid: widgets fit in its 24 columns and do not overlap."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

COLUMNS = 24


@dataclass(frozen=True, slots=True)
class Rectangle:
    """The place of a widget; `title` names the widget in findings."""

    title: str
    x: int
    y: int
    width: int
    height: int

    @property
    def right(self) -> int:
        """The first column to the right of the widget."""
        return self.x + self.width

    @property
    def bottom(self) -> int:
        """The first row below the widget."""
        return self.y + self.height

    def overlaps(self, other: "Rectangle") -> bool:
        """Return whether two widgets share a cell of the grid."""
        return self.x < other.right and other.x < self.right and self.y < other.bottom and other.y < self.bottom


def check(places: Sequence[Rectangle]) -> Iterator[tuple[str, str]]:
    """Yield the title of each misplaced widget, with the problem."""
    for place in places:
        if place.right > COLUMNS:
            most = COLUMNS - place.x
            yield place.title, f"reaches column {place.right} of {COLUMNS}; write a width of at most {most}"
    for one, other in combinations(places, 2):
        if one.overlaps(other):
            taken = f"columns {one.x} to {one.right - 1}, rows {one.y} to {one.bottom - 1}"
            yield other.title, f"overlaps {one.title} ({taken}); move it, for instance to y {one.bottom}"
