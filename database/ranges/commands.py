"""The commands that read ranges without a database: `python -m database explain`, `check` and `facts`."""

import csv
import sys
from argparse import Namespace
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import Final

from chalicelib.features.cells import cell_of
from database.areas.area_cells import AreaCells, read_area_cells
from database.areas.codes import read_names
from database.dataset import check_areas, read_maps, read_ranges
from database.dataset_files import FILES, DatasetError
from database.facts import GOALS, Fact, Score, read_facts, scores
from database.ranges.cell_weights import INTRODUCED, LISTED, STATUS_NAMES, CellWeights, cell_weights
from database.ranges.disagreements import Disagreement, Evidence, disagreements, gaps
from database.ranges.statement import Statement, by_taxon
from database.ranges.words import describe, drawn

DATABASE: Final = Path(__file__).parents[1]


class RangeError(DatasetError):
    """A command cannot do what was asked, such as explain a taxon without a range."""


class Ranges:
    """All ranges of this checkout, and the cells that follow from them."""

    @cached_property
    def statements(self) -> dict[str, list[Statement]]:
        """Return the statements about each taxon."""
        return by_taxon(read_ranges(FILES["ranges"]))

    @cached_property
    def areas(self) -> AreaCells:
        """Return the cells of all areas."""
        return read_area_cells()

    @cached_property
    def maps(self) -> Mapping[str, list[int]]:
        """Return the cells of each range map."""
        return read_maps(FILES["range_maps"])

    def cells_of(self, taxon: str) -> CellWeights:
        """Return where a taxon lives. Raises `DatasetError` if a row names an unknown area."""
        check_areas(self.statements[taxon], self.areas)
        mapped = self.areas.earth.positions(self.maps[taxon]) if taxon in self.maps else None
        return cell_weights(self.statements[taxon], self.areas.of, self.areas.earth, mapped)

    def position_of(self, place: tuple[float, float]) -> int:
        """Return the position of a place's cell."""
        return int(self.areas.earth.positions([cell_of(*place)])[0])


def explain(options: Namespace) -> int:
    """Print the statements about a taxon in words, with their sources, and a map of its cells."""
    ranges = Ranges()
    taxon = _taxon(options.taxon, ranges)
    names = read_names()
    found = ranges.cells_of(taxon)
    print(taxon)
    for statement in ranges.statements[taxon]:
        print(f"  {describe(statement, names)} [{statement.source}; {statement.place}]")
    if taxon in ranges.maps:
        print(f"  range map of {len(ranges.maps[taxon]):,} cells [phylacine]")
    print(f"\n{drawn(found, ranges.areas.earth)}\n")
    lives, full, brought = (
        cells.sum() for cells in (found.weights > 0, found.weights == 1, found.status == INTRODUCED)
    )
    print(f"{lives:,} cells: {full:,} in full (#), {brought:,} introduced (o), others in part (+)")
    return 0


def _taxon(text: str, ranges: Ranges) -> str:
    """Return the id of a taxon, given its id, scientific name or common name. Raises `RangeError`."""
    wanted = text.strip().lower()
    for row in _rows(DATABASE / "taxa.csv"):
        if wanted in (row["taxon"], row["name"].lower(), row["scientific_name"].lower()):
            if row["taxon"] in ranges.statements:
                return row["taxon"]
            raise RangeError(f"no range is stated for {row['taxon']}; add a row to a file in database/ranges/")
    similar = get_close_matches(wanted.replace(" ", "-"), ranges.statements, n=3)
    advice = f"similar: {', '.join(similar)}" if similar else "database/taxa.csv lists them"
    raise RangeError(f"no taxon is called '{text}'; {advice}")


def check(_: Namespace) -> int:
    """Print each disagreement between ranges and evidence that is not accepted. Return 1 if there is any."""
    ranges = Ranges()
    accepted = {(row["taxon"], row["check"], row["source"]) for row in _rows(DATABASE / "accepted_ranges.csv")}
    found = list(_all_disagreements(ranges))
    new = [each for each in found if each[:3] not in accepted]
    for each in new:
        print(f"{each.taxon}: {each.check} ({each.source}): {each.detail}")
    settled = sorted(accepted - {each[:3] for each in found})
    for taxon, name, source in settled:
        print(f"{taxon}: {name} ({source}) is settled; remove its row from accepted_ranges.csv")
    print(f"{len(ranges.statements):,} taxa: {len(new)} disagreements, {len(found) - len(new)} accepted")
    return 1 if new or settled else 0


def facts(_: Namespace) -> int:
    """Print how many facts the ranges get right, by group. Return 1 if a group misses its goal."""
    ranges = Ranges()
    group_of = {row["taxon"]: row["group"] for row in _rows(DATABASE / "taxa.csv")}
    known: dict[str, CellWeights] = {}

    def lives(fact: Fact) -> tuple[float, str] | None:
        if fact.taxon not in ranges.statements:
            return None
        if fact.taxon not in known:
            known[fact.taxon] = ranges.cells_of(fact.taxon)
        position = ranges.position_of((fact.latitude, fact.longitude))
        found = known[fact.taxon]
        return float(found.weights[position]), STATUS_NAMES.get(int(found.status[position]), "absent")

    every = read_facts()
    for fact in every:
        found = lives(fact)
        if fact.is_sure and found and (found[0] >= LISTED) != (fact.truth != "absent"):
            print(f"{fact.taxon} in {fact.place}: {fact.truth}, but weighs {found[0]:.2f} ({fact.reason})")
    missed = False
    print(f"\n{'group':14} {'recall':>16} {'specificity':>16} {'introduced':>16}")
    for group, score in scores(every, lives, group_of).items():
        print(f"{group:14} " + " ".join(f"{_share(pair):>16}" for pair in score))
        missed |= not _is_met(score)
    print("\ngoals of each group: " + ", ".join(f"{name} {goal:.0%}" for name, goal in GOALS.items()))
    return int(missed)


def _all_disagreements(ranges: Ranges) -> Iterator[Disagreement]:
    done: dict[str, CellWeights] = {}
    for evidence in _evidence():
        if evidence.taxon in ranges.statements:
            if evidence.taxon not in done:
                done[evidence.taxon] = ranges.cells_of(evidence.taxon)
            yield from disagreements(
                evidence, done[evidence.taxon], ranges.areas.earth, ranges.areas.named, ranges.position_of
            )
    for number, taxon in enumerate(ranges.statements):
        if sys.stderr.isatty() and number % 50 == 0:
            print(f"\r{number} of {len(ranges.statements)} ranges", end="", file=sys.stderr)
        found = done.get(taxon) or ranges.cells_of(taxon)
        if len(left_out := gaps(found, ranges.areas.earth)):
            earth = ranges.areas.earth
            places = (f"{earth.latitude[each]:.1f}, {earth.longitude[each]:.1f}" for each in left_out[:3])
            yield Disagreement(taxon, "gap", "neighbours", f"{len(left_out)} cells, such as {'; '.join(places)}")


def _evidence() -> Iterator[Evidence]:
    for row in _rows(DATABASE / "evidence.csv"):
        south, north, latitude, longitude, km2 = (
            float(row[name]) if row[name] else None for name in ("south", "north", "latitude", "longitude", "km2")
        )
        centre = (latitude, longitude) if latitude is not None and longitude is not None else None
        areas = tuple(row["areas"].split())
        yield Evidence(row["taxon"], row["source"], south, north, centre, km2, row["migration"], areas)


def _is_met(score: Score) -> bool:
    shares = {"recall": score.lives, "specificity": score.absent}
    return all(held >= GOALS[name] * total for name, (held, total) in shares.items())


def _share(pair: tuple[int, int]) -> str:
    held, total = pair
    return f"{held} of {total} {held / total:.1%}" if total else "-"


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
