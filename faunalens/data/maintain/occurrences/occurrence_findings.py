"""Combine the written ranges of a dataset with records of occurrences, and report what the records add."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from faunalens.data.areas.area_cells import Earth
from faunalens.data.cell_animals import INTRODUCED, NATIVE, Cell, Rows, WithEvidence
from faunalens.data.dataset_files import join_some
from faunalens.data.maintain.occurrences import evidence
from faunalens.data.maintain.occurrences.cells import create_table
from faunalens.data.maintain.occurrences.evidence import MONTHS, Counts, Effort, MonthlyCounts, Surroundings
from faunalens.data.maintain.occurrences.names import Matches, Name, match
from faunalens.data.maintain.occurrences.workspace import RowCounts, Workspace
from faunalens.data.taxa import AnimalRow

_SHOWN = 10


class AnimalFindings(NamedTuple):
    """What the records say about an animal, in numbers of records and cells.

    `outside`: cells with records outside its written range. `records_outside`: records in these cells. `silent`: cells
    of its range without a record where people record much. `has_range`: whether it has a written range.
    """

    name: str
    records: float
    outside: int
    records_outside: float
    silent: int
    has_range: bool


class _Located(NamedTuple):
    """Records of an animal or a group: by cell, and by country if no cell is known.

    `months`: records by month in each cell and its neighbours; None if months do not count.
    """

    cells: Counts
    countries: Mapping[str, float]
    months: MonthlyCounts | None


@dataclass
class OccurrenceFindings:
    """A `faunalens.data.cell_animals.Combiner` of ranges with a workspace's records. Call `report` afterwards."""

    workspace: Workspace
    keys: Mapping[str, str] = field(default_factory=dict)
    widen: int = 0
    """Number of records in a cell from which they widen a written range; 0 for never."""
    source: str = ""
    """The citation, on which the version of the dataset depends too."""

    matches: Matches = field(default_factory=Matches, init=False)
    animals: list[AnimalFindings] = field(default_factory=list, init=False)
    seasonal: int = field(default=0, init=False)
    """Number of animals with a season in some cell."""
    by_checklist: list[str] = field(default_factory=list, init=False)
    """Names of animals that have a range by a checklist alone."""
    _countries: list[str] = field(default_factory=list, init=False)

    def __call__(
        self, animals: Sequence[AnimalRow], cells: Sequence[Cell], earth: Earth, ranges: Iterable[Rows]
    ) -> WithEvidence:
        """Combine the ranges of animals with the workspace's records, and note what to report."""
        wild = {each.animal: each for each in animals if each.kind in ("wild", "marine")}
        names = [Name(*row) for row in self.workspace.connection.execute("from names").fetchall()]
        self.matches = match(names, wild.values(), self.keys)
        formula = evidence.SHRINK, evidence.SEEN, evidence.ENOUGH
        digest = hashlib.sha256(repr((self.widen, formula, self.source)).encode())
        of_group = dict(self._located(self.matches.groups, "varchar", earth))
        surroundings = Surroundings(earth, cells)
        self._countries = surroundings.countries
        effort = {group: Effort.of(its.cells, surroundings, its.countries) for group, its in of_group.items()}
        written = {int(rows["animal"][0]): rows for rows in ranges if len(rows)}
        known, seasons = set(), []
        for number, its in self._located(self.matches.animals, "integer", earth):
            animal = wild[int(number)]
            if animal.facts.group not in effort:
                continue
            digest.update(f"{number} {sorted(its.countries.items())}".encode() + its.cells.tobytes())
            of_its_group = effort[animal.facts.group]
            seen = evidence.weights_of(its.cells, of_its_group, surroundings, its.countries)
            records, has_range = its.cells, animal.animal in written
            outside = silent = np.zeros(len(records), bool)
            if has_range:
                combined = evidence.combine(written[animal.animal], records, seen, of_its_group, earth, self.widen)
                written[animal.animal], outside, silent = combined
            else:
                rows = evidence.range_of_records(animal.animal, records, seen, earth, animal.kind == "marine")
                if rows is None and (rows := self._listed(animal, surroundings, earth)) is not None:
                    self.by_checklist.append(animal.name)
                    digest.update(rows.tobytes())
                if rows is not None:
                    written[animal.animal] = rows
                    known.add(animal.animal)
            months = of_group[animal.facts.group].months
            if its.months is not None and months is not None and animal.animal in written:
                range_ = earth.positions(written[animal.animal]["cell"])
                seasons.append(evidence.seasons_of(animal.animal, its.months, months, range_, earth))
            total = float(records.sum()) + sum(its.countries.values())
            counted = total, int(outside.sum()), float(records[outside].sum()), int(silent.sum())
            self.animals.append(AnimalFindings(animal.name, *counted, has_range))
        for group, located in sorted(of_group.items()):
            digest.update(f"{group} {sorted(located.countries.items())}".encode() + located.cells.tobytes())
        for each in seasons:
            digest.update(each.tobytes())
        self.seasonal = sum(len(each) > 0 for each in seasons)
        taxon_of = {each.animal: each.taxon for each in animals}
        by_taxon = sorted(written, key=lambda number: taxon_of[number])
        return WithEvidence([written[number] for number in by_taxon], known, digest.hexdigest(), seasons)

    def report(self) -> Iterator[str]:
        """Yield lines of text: counts of rows, names that match no animal, and where records and ranges disagree."""
        yield from row_report(self.workspace.counts())
        yield from self._nowhere()
        yield from self._unmatched()
        for ours, accepted in sorted(self.matches.synonyms.items()):
            yield f"  as a synonym: records of {accepted} count for {ours}"
        yield from self._ranges()

    def _nowhere(self) -> Iterator[str]:
        query = """
            select coalesce(country, lower(hex(cell))), sum(rows)::bigint from counted
            where dropped is null and (
                (cell is null and country not in (select unnest($1)))
                or (cell is not null and cell not in (select cell from hexagon))
            )
            group by all order by 2 desc, 1"""
        found = self.workspace.connection.execute(query, [self._countries]).fetchall()
        if found:
            names = join_some([f"{name} ({rows:,})" for name, rows in found], _SHOWN)
            rows = sum(rows for _, rows in found)
            yield f"  {rows:>13,}  of them in countries or cells that do not exist, so they add nothing: {names}"

    def _ranges(self) -> Iterator[str]:
        with_records = [each for each in self.animals if each.records]
        without = sum(not each.has_range for each in with_records)
        yield f"animals with records: {len(with_records):,}; without a written range: {without:,}"
        if self.by_checklist:
            yield f"animals with a range by a checklist alone: {join_some(self.by_checklist, _SHOWN)}"
        if self.workspace.months:
            yield f"animals with a season in some cell: {self.seasonal:,}"
        outside = sorted((each for each in self.animals if each.outside), key=lambda each: -each.records_outside)
        if outside:
            what = f"widened from {self.widen} records in a cell on" if self.widen else "unchanged; see --widen"
            yield f"animals with records outside of their ranges: {len(outside):,} (ranges {what}); with the most:"
            for each in outside[:_SHOWN]:
                yield f"  {each.records_outside:>13,.0f}  {each.name}; cells: {each.outside:,}"
        silent = sorted((each for each in self.animals if each.silent), key=lambda each: -each.silent)
        if silent:
            yield f"animals without records where their group has many, so that they weigh less there: {len(silent):,}"
            for each in silent[:_SHOWN]:
                yield f"  {each.silent:>13,}  cells of {each.name}"

    def _unmatched(self) -> Iterator[str]:
        rows = self.workspace.connection.execute("""
            select coalesce(any_value(species), any_value(scientific_name)), sum(records)
            from counted join names using (name)
            where dropped is null and name not in (select name from match_of_name)
            group by coalesce(species, scientific_name) order by 2 desc, 1
        """).fetchall()
        if rows:
            most = join_some([f"{name} ({records:,.0f})" for name, records in rows], _SHOWN)
            count = f"{len(rows):,}, with {sum(records for _, records in rows):,.0f} records"
            yield f"names that match no animal: {count}, which count only as effort for their group: {most}"

    def _listed(self, animal: AnimalRow, surroundings: Surroundings, earth: Earth) -> Rows | None:
        """Return the range of an animal by the countries in which checklists say that it lives."""
        query = """
            select bool_and(is_introduced) as is_introduced, country
            from listed join match_of_name using (name) where matched = $1 group by country"""
        countries: dict[int, list[str]] = {}
        for is_introduced, country in self.workspace.connection.execute(query, [str(animal.animal)]).fetchall():
            countries.setdefault(INTRODUCED if is_introduced else NATIVE, []).append(country)
        cells = {status: surroundings.of_countries(each) for status, each in countries.items()}
        return evidence.range_of_countries(animal.animal, cells, animal.kind == "marine", earth) if cells else None

    def _located(
        self, pairs: Sequence[tuple[int, int]] | Sequence[tuple[int, str]], kind: str, earth: Earth
    ) -> Iterator[tuple[str, _Located]]:
        """Yield each animal or group with its records. `pairs`: a name's number, and its animal or group.

        `kind`: the SQL type of the latter.
        """
        connection = self.workspace.connection
        names, matches = np.array([each for each, _ in pairs], np.uint64), [str(each) for _, each in pairs]
        create_table(connection, "match_of_name", {"name": names, "matched": np.array(matches, object)})
        connection.execute(f"""
            create or replace temp table located as
            select cast(matched as {kind}) as matched, cell, country, coalesce(month, 0) as month,
                sum(records) as records
            from counted join match_of_name using (name)
            where dropped is null and records > 0 and (cell is null or cell in (select cell from hexagon))
            group by all""")
        for (matched,) in connection.execute("select distinct matched from located order by 1").fetchall():
            query = "select cell, month, records from located where matched = $1 and cell is not null"
            found = connection.execute(query, [matched]).fetchnumpy()
            counts = np.zeros((1 + MONTHS if self.workspace.months else 1, len(earth.cells)))
            counts[found["month"], np.searchsorted(earth.cells, found["cell"])] = found["records"]
            query = """
                select country, sum(records) from located
                where matched = $1 and cell is null and country is not null group by all order by all"""
            countries = dict(connection.execute(query, [matched]).fetchall())
            near = counts[1:] + evidence.around(counts[1:], earth) if self.workspace.months else None
            yield matched, _Located(counts.sum(axis=0), countries, near)


def row_report(counts: RowCounts) -> Iterator[str]:
    """Yield lines of text: how many rows count, and how many do not, by reason."""
    yield f"rows: {counts.rows:,}; counted: {counts.kept:,}"
    if counts.faulty:
        yield f"  {counts.faulty:>13,}  faulty, such as"
        yield from (f"{'':17}{each.source}, record {each.line}: {each.fault}: {each.text}" for each in counts.examples)
    for reason, rows in counts.dropped.items():
        if rows:
            yield f"  {rows:>13,}  {reason}"
