"""Compare a loaded dataset with the active one, in lines or as a page: cells, animals, and known facts."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from psycopg2.extensions import connection as Connection  # noqa: N812

from database.access import LoadError, datasets
from database.areas.area_cells import read_area_cells
from database.facts import Fact, read_facts
from database.ranges.cell_weights import LISTED
from database.ranges.drawings import HEIGHT, WIDTH, path_data, place_on_map
from database.ranges.outlines import Outlines

_SHOWN: Final = 20  # animals and facts in lines

_CHANGES: Final = """
    with old as (select cell, animal, weight from cell_animal where dataset = %(old)s and weight >= %(listed)s),
        new as (select cell, animal, weight from cell_animal where dataset = %(new)s and weight >= %(listed)s),
        named as (
            select distinct on (animal) animal, taxon, name from animal where dataset in (%(old)s, %(new)s)
            order by animal, dataset desc
        ),
        changed as (
            select
                coalesce(old.animal, new.animal) as animal,
                array_agg(new.cell) filter (where old.cell is null) as gained,
                array_agg(old.cell) filter (where new.cell is null) as lost,
                array_agg(new.cell) filter (where old.cell is not null and new.cell is not null) as kept,
                count(*) filter (where old.weight < new.weight) as higher,
                count(*) filter (where old.weight > new.weight) as lower
            from old full join new on old.cell = new.cell and old.animal = new.animal
            group by 1
        )
    select taxon, name, coalesce(gained, '{}'), coalesce(lost, '{}'), coalesce(kept, '{}'), higher, lower
    from changed natural join named
    where gained is not null or lost is not null or higher > 0 or lower > 0
    order by coalesce(cardinality(gained), 0) + coalesce(cardinality(lost), 0) desc, higher + lower desc, taxon
"""


class Change(NamedTuple):
    """How the range of an animal differs. `higher`, `lower`: number of cells whose weight rises or falls."""

    taxon: str
    name: str
    gained: Sequence[int]
    lost: Sequence[int]
    kept: Sequence[int]
    higher: int
    lower: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """How the dataset `new` differs from `old`: of each animal, and which facts hold in one of them only."""

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
            yield (
                f"  {each.name}: +{len(each.gained):,} cells, -{len(each.lost):,}; "
                f"weight higher in {each.higher:,}, lower in {each.lower:,}"
            )
        for what, facts in (("won", self.won), ("lost", self.lost)):
            yield f"known facts {what}: {len(facts):,}"
            for fact in facts[:_SHOWN]:
                yield f"  {fact.taxon} in {fact.place}: {fact.truth} ({fact.reason})"


def compare(connection: Connection, version: str) -> Comparison:
    """Compare a loaded dataset with the active one. Raise `LoadError` if it is not loaded, or none is active."""
    present = {each.version: each for each in datasets(connection)}
    active = next((each for each in present.values() if each.active), None)
    if version not in present or active is None:
        what = f"dataset {version} is not in the database" if active else "no dataset is active"
        raise LoadError(f"{what}; list the loaded ones with: python -m database list")
    numbers = {"old": active.number, "new": present[version].number, "listed": LISTED}
    with connection, connection.cursor() as cursor:
        cursor.execute(_CHANGES, numbers)
        changes = [Change(*row) for row in cursor.fetchall()]
    old, new = (_holding(connection, number) for number in (active.number, present[version].number))
    won = [fact for fact, holds in new.items() if holds and not old.get(fact, True)]
    lost = [fact for fact, holds in new.items() if not holds and old.get(fact, False)]
    return Comparison(active.version, version, changes, won, lost)


def _holding(connection: Connection, number: int) -> dict[Fact, bool]:
    """Return whether each fact holds in a dataset. Facts about animals that the dataset does not have are left out."""
    facts = [fact for fact in read_facts() if fact.is_sure]
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "select taxon from animal natural join dataset where dataset = %s and animal <> all (unknown)", (number,)
        )
        known = {taxon for (taxon,) in cursor.fetchall()}
        cursor.execute(
            "select taxon, cell from cell_animal join animal using (dataset, animal) "
            "where dataset = %s and weight >= %s and cell = any(%s)",
            (number, LISTED, [fact.cell for fact in facts]),
        )
        listed = set(cursor.fetchall())
    return {
        fact: ((fact.taxon, fact.cell) in listed) == (fact.truth != "absent") for fact in facts if fact.taxon in known
    }


_WORLD: Final = Path(__file__).parents[1] / "chalicelib" / "world.svg"
_MAPS: Final = 24  # on a page
_PAGE: Final = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
:root{{color-scheme:light dark}}
body{{font:16px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem}}
pre{{white-space:pre-wrap;overflow-wrap:anywhere}} h1{{overflow-wrap:anywhere}}
main{{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(30rem,100%),1fr));gap:1rem}}
figure{{margin:0}} .sea{{fill:#eef0e6}} .land{{fill:#cfd3bd}}
.kept{{fill:#7d8a75}} .gained{{fill:#1b6ac9}} .lost{{fill:#c2410c}}
b.gained{{color:#1b6ac9}} b.lost{{color:#c2410c}}
@media (prefers-color-scheme:dark){{
.sea{{fill:#1a1f19}} .land{{fill:#3d4738}}
.kept{{fill:#8d9a85}} .gained{{fill:#79b4f7}} .lost{{fill:#f59461}}
b.gained{{color:#79b4f7}} b.lost{{color:#f59461}}
}}
</style>
<h1>{title}</h1>
<pre>{text}</pre>
<h2>What changes most</h2>
<p>Cells <b class="gained">gained</b>, <b class="lost">lost</b> and kept.</p>
<svg width="0" height="0"><defs><g id="world">{world}</g></defs></svg>
<main>
{figures}
</main>
</html>
"""


def page_of(comparison: Comparison) -> str:
    """Return a comparison as one HTML page, with maps of the animals that change most."""
    outlines = Outlines(read_area_cells().earth)
    svg = _WORLD.read_text(encoding="utf-8")
    return _PAGE.format(
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
    caption = f"{change.name}: {len(change.gained):,} cells gained, {len(change.lost):,} lost"
    return (
        f'<figure><svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img"><title>{escape(caption)}</title>'
        f'<use href="#world"/>{"".join(paths)}</svg><figcaption>{escape(caption)}</figcaption></figure>'
    )
