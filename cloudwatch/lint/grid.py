"""The grid: widgets lie within its 24 columns and on no other widget."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

COLUMNS = 24


@dataclass(frozen=True, slots=True)
class Place:
    """Where a widget lies; `title` is how people are told of it."""

    title: str
    x: int
    y: int
    width: int
    height: int

    @property
    def right(self) -> int:
        """First column that is free again."""
        return self.x + self.width

    @property
    def bottom(self) -> int:
        """First row that is free again."""
        return self.y + self.height

    def overlaps(self, other: "Place") -> bool:
        """Whether they share a cell of the grid."""
        return self.x < other.right and other.x < self.right and self.y < other.bottom and other.y < self.bottom


def check(places: Sequence[Place]) -> Iterator[tuple[str, str]]:
    """Widget and what is wrong with its place."""
    for place in places:
        if place.right > COLUMNS:
            most = COLUMNS - place.x
            yield place.title, f"reaches column {place.right} of {COLUMNS}; write a width of at most {most}"
    for one, other in combinations(places, 2):
        if one.overlaps(other):
            taken = f"columns {one.x} to {one.right - 1}, rows {one.y} to {one.bottom - 1}"
            yield other.title, f"lies on {one.title} ({taken}); move it, for instance to y {one.bottom}"
