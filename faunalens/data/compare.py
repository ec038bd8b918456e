"""Compare a loaded dataset with the active one, in lines or as a page: cells, animals, and known facts."""

from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path
from string import Template
from typing import Final, NamedTuple

import numpy as np
from psycopg2.extensions import connection as Connection  # noqa: N812

from chalicelib.config.settings import ROOT
from faunalens.data.areas.area_cells import read_area_cells
from faunalens.data.cell_animals import LISTED
from faunalens.data.check import Fact, read_facts
from faunalens.data.database import LoadError, datasets_of, require
from faunalens.data.ranges.outlines import HEIGHT, WIDTH, Outlines, path_data, place_on_map

_CHANGES, _PAGE = (Path(__file__).with_suffix(suffix) for suffix in (".sql", ".html"))
_WORLD: Final = ROOT / "chalicelib" / "world.svg"
_SHOWN: Final = 20  # maximum number of animals, and of facts, that the text lists
_MAPS: Final = 24  # maximum number of maps on a page


class Change(NamedTuple):
    """How the range of an animal differs between two datasets.

    `kept`, `gained`, `lost`: cells where it lives in both, in the new one, in the old one alone. `higher`, `lower`:
    number of kept cells whose weight rises or falls.
    """

    taxon: str
    name: str
    gained: Sequence[int]
    lost: Sequence[int]
    kept: Sequence[int]
    higher: int
    lower: int


class Comparison(NamedTuple):
    """How the dataset `new` differs from `old`: changes of ranges, and known facts that only one of both gets right."""

    old: str
    new: str
    changes: Sequence[Change]
    won: Sequence[Fact]
    lost: Sequence[Fact]

    def lines(self) -> Iterator[str]:
        """Yield the comparison as lines of text."""
        yield f"{self.new} compared with {self.old}, which is active; an animal is listed from a weight of {LISTED}"
        gained, lost = sum(len(each.gained) for each in self.changes), sum(len(each.lost) for each in self.changes)
        new = [each.name for each in self.changes if each.gained and not each.lost and not each.kept]
        gone = [each.name for each in self.changes if each.lost and not each.gained and not each.kept]
        yield f"animals that differ: {len(self.changes):,}; only new: {len(new):,}; gone: {len(gone):,}"
        yield f"pairs of animal and cell gained: {gained:,}; lost: {lost:,}"
        for each in self.changes[:_SHOWN]:
            weights = f"weight higher in {each.higher:,}, lower in {each.lower:,}"
            yield f"  {each.name}: cells +{len(each.gained):,}, -{len(each.lost):,}; {weights}"
        for what, facts in (("won", self.won), ("lost", self.lost)):
            yield f"known facts {what}: {len(facts):,}"
            for fact in facts[:_SHOWN]:
                yield f"  {fact.taxon} in {fact.place}: {fact.truth} ({fact.reason})"


def compare(connection: Connection, version: str) -> Comparison:
    """Compare the dataset `version` with the active one. Raise `LoadError` if it is not loaded, or none is active."""
    with connection, connection.cursor() as cursor:
        loaded = require(cursor, version)
        active = next((each for each in datasets_of(cursor) if each.active), None)
        if active is None:
            raise LoadError("no dataset is active; list the loaded ones with: python -m faunalens.data list")
        numbers = {"old": active.number, "new": loaded.number, "listed": LISTED}
        cursor.execute(_CHANGES.read_text(encoding="utf-8"), numbers)
        changes = [Change(*row) for row in cursor.fetchall()]
    old, new = (_holding(connection, number) for number in (active.number, loaded.number))
    won = [fact for fact, holds in new.items() if holds and not old.get(fact, True)]
    lost = [fact for fact, holds in new.items() if not holds and old.get(fact, False)]
    return Comparison(active.version, version, changes, won, lost)


def _holding(connection: Connection, number: int) -> dict[Fact, bool]:
    """Return for each sure fact whether the dataset agrees. Leave out animals whose range the dataset does not know."""
    facts = [fact for fact in read_facts() if fact.is_sure]
    with connection, connection.cursor() as cursor:
        query = "select taxon from animal natural join dataset where dataset = %s and animal <> all (unknown)"
        cursor.execute(query, (number,))
        known = {taxon for (taxon,) in cursor.fetchall()}
        query = "select taxon, cell from cell_animal join animal using (dataset, animal)"
        where = "where dataset = %s and weight >= %s and cell = any(%s)"
        cursor.execute(f"{query} {where}", (number, LISTED, [fact.cell for fact in facts]))
        listed = set(cursor.fetchall())
    return {fact: fact.agrees((fact.taxon, fact.cell) in listed) for fact in facts if fact.taxon in known}


def page_of(comparison: Comparison) -> str:
    """Return a comparison as one HTML page, with maps of the animals that change most."""
    outlines = Outlines(read_area_cells().earth)
    svg = _WORLD.read_text(encoding="utf-8")
    return Template(_PAGE.read_text(encoding="utf-8")).substitute(
        title=escape(f"Dataset {comparison.new} compared with {comparison.old}"),
        text=escape("\n".join(comparison.lines())),
        world=svg[svg.index('<path class="sea"') : svg.rindex("</svg>")],
        figures="\n".join(_figure(each, outlines) for each in comparison.changes[:_MAPS] if each.gained or each.lost),
    )


def _figure(change: Change, outlines: Outlines) -> str:
    paths = []
    for name, cells in (("kept", change.kept), ("lost", change.lost), ("gained", change.gained)):
        inside = np.zeros(len(outlines.earth.cells), bool)
        inside[outlines.earth.positions(cells)] = True
        data = "".join(path_data(place_on_map(outlines.points[ring])) for ring in outlines.rings(inside))
        if data:
            paths.append(f'<path class="{name}" d="{data}"/>')
    caption = f"{change.name}: cells gained: {len(change.gained):,}, lost: {len(change.lost):,}"
    return (
        f'<figure><svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img"><title>{escape(caption)}</title>'
        f'<use href="#world"/>{"".join(paths)}</svg><figcaption>{escape(caption)}</figcaption></figure>'
    )
