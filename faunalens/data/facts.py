"""Facts about where animals live, written independently of the ranges, and how many of them the ranges get right."""

from argparse import Namespace
from collections.abc import Callable, Iterable, Mapping
from operator import itemgetter
from pathlib import Path
from typing import Final, NamedTuple

from chalicelib.features.cells import cell_of
from faunalens.data.dataset import Ranges
from faunalens.data.dataset_files import FILES, read_rows
from faunalens.data.ranges.cell_weights import LISTED, STATUS_NAMES, CellWeights

FILE: Final = Path(__file__).with_name("facts.csv")
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


class Score(NamedTuple):
    """Counts of the sure facts about a group of animals: (facts that the ranges get right, all facts).

    `lives`: the animal is native or introduced, and listed. `absent`: it is absent, and not listed. `introduced`:
    it is introduced, and marked so.
    """

    lives: tuple[int, int]
    absent: tuple[int, int]
    introduced: tuple[int, int]


def read_facts(path: Path = FILE) -> list[Fact]:
    """Return the facts in a CSV file, in the file's order."""
    return [
        Fact(taxon, float(latitude), float(longitude), place, truth, certainty != "doubt", reason)
        for taxon, latitude, longitude, place, truth, certainty, reason in map(COLUMNS, read_rows(path))
    ]


def scores(
    facts: Iterable[Fact], lives: Callable[[Fact], tuple[float, str] | None], group_of: Mapping[str, str]
) -> dict[str, Score]:
    """Return the score of each group, and of all groups together as `all`. Facts in doubt do not count.

    `lives`: returns weight and status of the taxon at the place of a fact, or None if the taxon's range is unknown.
    `group_of`: group of each taxon, such as `birds`.
    """
    counts: dict[str, list[list[int]]] = {}
    for fact in facts:
        found = lives(fact)
        if not fact.is_sure or found is None:
            continue
        weight, status = found
        is_listed, is_there = weight >= LISTED, fact.truth != "absent"
        for group in (group_of[fact.taxon], "all"):
            its = counts.setdefault(group, [[0, 0] for _ in Score._fields])
            pair = its[0] if is_there else its[1]
            pair[0] += is_listed == is_there
            pair[1] += 1
            if fact.truth == "introduced":
                its[2][0] += is_listed and status == "introduced"
                its[2][1] += 1
    return {group: Score(*((held, total) for held, total in its)) for group, its in sorted(counts.items())}


def main(_: Namespace) -> int:
    """Print how many facts the ranges get right, by group of animals. Return 1 if a group misses a goal, else 0."""
    ranges = Ranges("ranges")
    group_of = {row["taxon"]: row["group"] for row in read_rows(FILES["taxon_facts"])}
    known: dict[str, CellWeights] = {}

    def lives(fact: Fact) -> tuple[float, str] | None:
        if fact.taxon not in ranges.statements:
            return None
        if fact.taxon not in known:
            known[fact.taxon] = ranges.cells_of(fact.taxon)
        position = ranges.areas.earth.position_of(fact.latitude, fact.longitude)
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
        missed |= any(held < goal * total for goal, (held, total) in zip(GOALS.values(), score[:2], strict=True))
    print("\ngoals of each group: " + ", ".join(f"{name} {goal:.0%}" for name, goal in GOALS.items()))
    return int(missed)


def _share(pair: tuple[int, int]) -> str:
    held, total = pair
    return f"{held} of {total} {held / total:.1%}" if total else "-"
