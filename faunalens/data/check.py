"""The ranges in this checkout's files: explain one, and compare all with what is known independently of them.

`python -m faunalens.data check` finds where a range and the evidence of other sources disagree; `facts` counts how many
facts about where animals live the ranges get right. The checks, by the names in the output and accepted_ranges.csv:

unlisted    the evidence has an area in which the taxon is not listed
reach       the range does not reach the latitudes of the evidence
beyond      the range goes beyond the latitudes of the evidence
centroid    the centre of the evidence's range is outside
size        the range is far larger or smaller than the evidence's
gap         a cell is left out although the taxon lives in all cells around it
"""

import sys
from argparse import Namespace
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from functools import cache
from operator import itemgetter
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from chalicelib.location import cell_of
from faunalens.data.areas.area_cells import LAND, SEA, AreaCells, Earth, read_area_cells, read_names
from faunalens.data.cell_animals import INTRODUCED, LISTED, STATUS_NAMES, CellWeights, cell_weights
from faunalens.data.dataset import check_areas, read_maps, read_ranges
from faunalens.data.dataset_files import FILES, RANGE_FILES, RELATIVES, DatasetError, read_rows
from faunalens.data.ranges.language import Statement, by_taxon, in_words

EVIDENCE: Final = Path(__file__).with_name("evidence.csv")
ACCEPTED: Final = Path(__file__).with_name("accepted_ranges.csv")
CELL_KM2: Final = 12_400.0
"""Mean area of a cell: https://h3geo.org/docs/core-library/restable."""
REACH: Final = 4.0
"""Degrees by which a range may fall short of the evidence's latitudes: three cells."""
BEYOND: Final = 6.0
"""Degrees by which a sedentary animal's range may go beyond the latitudes in the evidence, where it breeds."""
BEYOND_MIGRANT: Final = 90.0
"""The same limit for all other animals: even partial migrants, such as ducks, winter 30° from where they breed."""
SIZES: Final = (0.4, 6.0)
"""Smallest and largest size of a range, divided by the evidence's. States are larger than the ranges within them."""
SMALL_KM2: Final = 200_000.0
"""Ranges below this size are smaller than the units of the language, so their sizes are not compared."""


class Ranges:
    """The ranges in this checkout's files, and the cells that follow from them. No database is needed.

    `names`: which of `RANGE_FILES` to read. `statements`: by taxon. `maps`: H3 cells on the range map of each taxon.
    """

    def __init__(self, *names: str) -> None:
        self.statements = by_taxon(each for name in names for each in read_ranges(FILES[name]))
        self.areas, self.maps = read_area_cells(), read_maps(FILES["range_maps"])

    def cells_of(self, taxon: str) -> CellWeights:
        """Return a taxon's cells, with weights. Raise `DatasetError` if a statement names an unknown area."""
        check_areas(self.statements[taxon], self.areas)
        return cell_weights(self.statements[taxon], self.areas, self.maps.get(taxon))


class Evidence(NamedTuple):
    """What a source says about a taxon's range. Values that the source does not give are None.

    `south`, `north`: limits in degrees. `centre`: latitude and longitude. `km2`: area. `areas`: where the taxon lives.
    `migration`: `sedentary`, `partial` or `migrant`, after AVONET.
    """

    taxon: str
    source: str
    south: float | None
    north: float | None
    centre: tuple[float, float] | None
    km2: float | None
    migration: str
    areas: tuple[str, ...]


class Disagreement(NamedTuple):
    """A disagreement between a range and a source. `check`: which check found it, such as `reach` or `gap`."""

    taxon: str
    check: str
    source: str
    detail: str


def compare_with_evidence(_: Namespace) -> int:
    """Print each disagreement that accepted_ranges.csv does not accept. Return 1 if there is any."""
    ranges = Ranges("ranges")
    accepted = {(row["taxon"], row["check"], row["source"]) for row in read_rows(ACCEPTED)}
    found = list(_all_disagreements(ranges))
    new = [each for each in found if each[:3] not in accepted]
    for each in new:
        print(f"{each.taxon}: {each.check} ({each.source}): {each.detail}")
    settled = sorted(accepted - {each[:3] for each in found})
    for taxon, name, source in settled:
        print(f"{taxon}: {name} ({source}) is settled; remove its row from accepted_ranges.csv")
    print(f"{len(ranges.statements):,} taxa: {len(new)} disagreements, {len(found) - len(new)} accepted")
    return 1 if new or settled else 0


def disagreements(evidence: Evidence, found: CellWeights, areas: AreaCells) -> Iterator[Disagreement]:
    """Yield all disagreements between the range of a taxon, `found`, and the evidence of one source."""
    earth = areas.earth
    listed = found.weights >= LISTED
    native = (found.weights == 1) & (found.status != INTRODUCED)

    def differs(check: str, detail: str) -> Disagreement:
        return Disagreement(evidence.taxon, check, evidence.source, detail)

    missing = [area for area in evidence.areas if not (areas.named(area).any(axis=0) & listed).any()]
    if missing:
        yield differs("unlisted", " ".join(missing))
    if evidence.south is not None and evidence.north is not None and native.any():
        south, north = float(earth.latitude[native].min()), float(earth.latitude[native].max())
        limits = f"{evidence.south:.0f}° to {evidence.north:.0f}°, the range {south:.0f}° to {north:.0f}°"
        if south > evidence.south + REACH or north < evidence.north - REACH:
            yield differs("reach", limits)
        spare = BEYOND if evidence.migration == "sedentary" else BEYOND_MIGRANT
        if south < evidence.south - spare or north > evidence.north + spare:
            yield differs("beyond", limits)
    if evidence.centre is not None:
        position = earth.position_of(*evidence.centre)
        if earth.realm[LAND, position] and not listed[position]:
            yield differs("centroid", f"{evidence.centre[0]:.1f}, {evidence.centre[1]:.1f}")
    if evidence.km2 is not None and evidence.km2 >= SMALL_KM2 and evidence.migration == "sedentary":
        size = float(native.sum()) * CELL_KM2 / evidence.km2
        if not SIZES[0] <= size <= SIZES[1]:
            yield differs("size", f"{size:.1f} times the source's {evidence.km2 / 1e6:.2f} million km²")


def gaps(found: CellWeights, earth: Earth) -> NDArray[np.intp]:
    """Return the positions of cells that a range leaves out although the taxon surely lives in all cells around them.

    Only inland gaps count, because the inland of a small island is not a gap for a coastal bird. For a taxon that lives
    nowhere inland, only gaps in the sea count.
    """
    sure = found.weights == 1
    inland = sure & ~earth.realm[SEA]
    inside, realm = (inland, LAND) if inland.any() else (sure, SEA)
    surrounded = inside[earth.neighbours].all(axis=1) & earth.realm[realm]
    return np.flatnonzero(surrounded & (found.weights < LISTED))


def _all_disagreements(ranges: Ranges) -> Iterator[Disagreement]:
    evidence: dict[str, list[Evidence]] = {}
    for each in _evidence():
        evidence.setdefault(each.taxon, []).append(each)
    earth = ranges.areas.earth
    for number, taxon in enumerate(ranges.statements):
        if sys.stderr.isatty() and number % 50 == 0:
            print(f"\r{number} of {len(ranges.statements)} ranges", end="", file=sys.stderr)
        found = ranges.cells_of(taxon)
        for said in evidence.get(taxon, ()):
            yield from disagreements(said, found, ranges.areas)
        if len(left_out := gaps(found, earth)):
            places = (f"{earth.latitude[each]:.1f}, {earth.longitude[each]:.1f}" for each in left_out[:3])
            yield Disagreement(taxon, "gap", "neighbours", f"{len(left_out)} cells, such as {'; '.join(places)}")


def _evidence() -> Iterator[Evidence]:
    for row in read_rows(EVIDENCE):
        values = (row[name] for name in ("south", "north", "latitude", "longitude", "km2"))
        south, north, latitude, longitude, km2 = (float(value) if value else None for value in values)
        centre = (latitude, longitude) if latitude is not None and longitude is not None else None
        areas = tuple(row["areas"].split())
        yield Evidence(row["taxon"], row["source"], south, north, centre, km2, row["migration"], areas)


FACTS: Final = Path(__file__).with_name("facts.csv")
GOALS: Final = {"recall": 0.99, "specificity": 0.94}
"""The least recall and specificity of each group of animals."""
COLUMNS: Final = itemgetter("taxon", "latitude", "longitude", "place", "truth", "certainty", "reason")


class Fact(NamedTuple):
    """Whether a taxon lives at a place. `truth`: `native`, `introduced` or `absent`. `reason`: why, in a few words."""

    taxon: str
    latitude: float
    longitude: float
    place: str
    truth: str
    is_sure: bool
    reason: str

    @property
    def cell(self) -> int:
        """Return the H3 cell of the place."""
        return cell_of(self.latitude, self.longitude)

    def agrees(self, weight: float) -> bool:
        """Return whether a weight at the place fits the fact: the taxon is listed if it lives there, else not."""
        return (weight >= LISTED) == (self.truth != "absent")


class Score(NamedTuple):
    """Counts of the sure facts about a group of animals: (facts that the ranges get right, all facts).

    `lives`: the animal is native or introduced, and listed. `absent`: it is absent, and not listed. `introduced`:
    it is introduced, and marked so.
    """

    lives: tuple[int, int]
    absent: tuple[int, int]
    introduced: tuple[int, int]


def read_facts(path: Path = FACTS) -> list[Fact]:
    """Return the facts in a CSV file, in the file's order."""
    return [
        Fact(taxon, float(latitude), float(longitude), place, truth, certainty != "doubt", reason)
        for taxon, latitude, longitude, place, truth, certainty, reason in map(COLUMNS, read_rows(path))
    ]


def scores(found: Iterable[tuple[Fact, float, str]], group_of: Mapping[str, str]) -> dict[str, Score]:
    """Return the score of each group, and of all groups together as `all`.

    `found`: facts, each with the weight and the status that the taxon has at the place. `group_of`: group of each
    taxon, such as `birds`.
    """
    counts: dict[str, list[list[int]]] = {}
    for fact, weight, status in found:
        for group in (group_of[fact.taxon], "all"):
            its = counts.setdefault(group, [[0, 0] for _ in Score._fields])
            pair = its[1] if fact.truth == "absent" else its[0]
            pair[0] += fact.agrees(weight)
            pair[1] += 1
            if fact.truth == "introduced":
                its[2][0] += weight >= LISTED and status == "introduced"
                its[2][1] += 1
    return {group: Score(*((held, total) for held, total in its)) for group, its in sorted(counts.items())}


def count_facts(_: Namespace) -> int:
    """Print how many facts the ranges get right, by group of animals. Return 1 if a group misses a goal, else 0.

    Facts in doubt, and those about a taxon without a range, do not count.
    """
    ranges = Ranges("ranges")
    group_of = {row["taxon"]: row["group"] for row in read_rows(FILES["taxon_facts"])}
    cells_of, found = cache(ranges.cells_of), list[tuple[Fact, float, str]]()
    for fact in read_facts():
        if fact.is_sure and fact.taxon in ranges.statements:
            cells, place = cells_of(fact.taxon), ranges.areas.earth.position_of(fact.latitude, fact.longitude)
            weight = float(cells.weights[place])
            found.append((fact, weight, STATUS_NAMES.get(int(cells.status[place]), "absent")))
            if not fact.agrees(weight):
                print(f"{fact.taxon} in {fact.place}: {fact.truth}, but weighs {weight:.2f} ({fact.reason})")
    missed = False
    print(f"\n{'group':14} {'recall':>16} {'specificity':>16} {'introduced':>16}")
    for group, score in scores(found, group_of).items():
        print(f"{group:14} " + " ".join(f"{_share(pair):>16}" for pair in score))
        missed |= any(held < goal * total for goal, (held, total) in zip(GOALS.values(), score[:2], strict=True))
    print("\ngoals of each group: " + ", ".join(f"{name} {goal:.0%}" for name, goal in GOALS.items()))
    return int(missed)


def _share(pair: tuple[int, int]) -> str:
    held, total = pair
    return f"{held} of {total} {held / total:.1%}" if total else "-"


WIDTH: Final = 120
HEIGHT: Final = 36
"""Size of the map in characters; each stands for 3° of longitude and 5° of latitude."""


def explain(options: Namespace) -> int:
    """Print the statements about a taxon in words, with their sources, and a map of its cells. Return 0."""
    ranges = Ranges(*RANGE_FILES)
    taxon = _taxon(options.taxon, ranges)
    names = read_names()
    found = ranges.cells_of(taxon)
    print(taxon)
    for statement in ranges.statements[taxon]:
        print(f"  {describe(statement, names)} [{statement.source}; {statement.place}]")
    if taxon in ranges.maps:
        print(f"  range map of {len(ranges.maps[taxon]):,} cells [phylacine]")
    print(f"\n{drawn(found, ranges.areas.earth)}\n")
    marks = found.weights > 0, found.weights == 1, found.status == INTRODUCED
    lives, full, brought = (cells.sum() for cells in marks)
    print(f"{lives:,} cells: {full:,} in full (#), {brought:,} introduced (o), others in part (+)")
    return 0


def describe(statement: Statement, names: Mapping[str, str]) -> str:
    """Return a statement as one line: status, range, doubts, season and note. `names`: the name of each area's code."""
    words = in_words(statement.range, names)
    start = f"{statement.status} somewhere within" if statement.extent == "within" else statement.status
    details = [statement.season, "in doubt" if statement.certainty == "doubt" else "", statement.note]
    more = "; ".join(filter(None, details))
    return f"{start}: {words}" + (f" ({more})" if more else "")


def drawn(found: CellWeights, earth: Earth) -> str:
    """Return a map of the world as text: `#` the taxon lives here, `+` in part or near, `o` introduced, `·` land."""
    rows = np.clip(((90 - earth.latitude) / 180 * HEIGHT).astype(int), 0, HEIGHT - 1)
    columns = np.clip(((earth.longitude + 180) / 360 * WIDTH).astype(int), 0, WIDTH - 1)
    image = np.full((HEIGHT, WIDTH), " ")
    native = found.status != INTRODUCED
    marks = [
        ("·", earth.realm[LAND]),
        ("+", (found.weights > 0) & native),
        ("o", (found.weights > 0) & ~native),
        ("#", (found.weights == 1) & native),
    ]
    for mark, cells in marks:
        image[rows[cells], columns[cells]] = mark
    return "\n".join("".join(row).rstrip() for row in image)


def _taxon(text: str, ranges: Ranges) -> str:
    """Return a taxon's id, given its id, scientific or common name. Raise `DatasetError` for an unknown name."""
    wanted = text.strip().lower()
    for row in (*read_rows(FILES["taxon_facts"]), *read_rows(FILES["labels"].with_name(RELATIVES))):
        if wanted in (row["taxon"], row["name"].lower(), row["scientific_name"].lower()):
            if row["taxon"] in ranges.statements:
                return row["taxon"]
            raise DatasetError(f"no range is stated for {row['taxon']}; add a row to a file in faunalens/data/ranges/")
    similar = get_close_matches(wanted.replace(" ", "-"), ranges.statements, n=3)
    advice = (
        f"similar: {', '.join(similar)}" if similar else "faunalens/data/taxa.csv and model/relatives.csv list them"
    )
    raise DatasetError(f"no taxon is called '{text}'; {advice}")
