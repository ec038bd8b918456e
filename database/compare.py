"""Compare a loaded dataset with the active one: cells, animals, and facts about where animals live."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from psycopg2.extensions import connection as Connection  # noqa: N812

from database.facts import Fact, read_facts
from database.load import LoadError, datasets
from database.ranges.cell_weights import LISTED

_SHOWN: Final = 20

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
    """Return whether each fact holds in a dataset, of those whose animal it has."""
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
