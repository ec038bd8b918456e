"""How far records of a known truth lead back to it, and what the rules of combining them with ranges do to answers.

The truth is generated: how common each animal of a group is in each cell of Europe. The records of it are biased like
those of people: made in towns and along roads, more in some countries than in others, a tenth by one eager observer in
one cell who likes one animal, and some of a look-alike. docs/how-to/occurrences.md has the tables.
"""

import argparse
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.measure import table
from chalicelib.config.settings import Settings
from database.areas.area_cells import LAND, Earth, read_area_cells
from database.cell_animals import ROW, Cell, Rows
from database.dataset import read_dataset
from database.occurrences.evidence import RULES, Rules, combine, range_of_records
from database.occurrences.shares import FORMULA, Effort, Formula, Surroundings, weights_of
from database.ranges.cell_weights import NATIVE, WEIGHTS

RECORDS: Final = (1_000, 10_000, 100_000)
ANIMALS: Final = 60
LOOK_ALIKES: Final = 4
"""Animals in a set of look-alikes, which a picture alone tells apart badly."""
COUNTRIES: Final = ("AT", "BE", "BG", "BY", "CH", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GB", "GR", "HU", "IE",
                    "IT", "LT", "LV", "NL", "NO", "PL", "PT", "RO", "RS", "SE", "SI", "SK", "UA")  # fmt: skip
TOWNS, ROADS = 30, 60
EAGER_SHARE, FAVOURITE_SHARE = 0.1, 0.5
"""Share of the records that the eager observer makes, and of these of the one animal."""
MISTAKEN_SHARE: Final = 0.02
"""Share of records that name a look-alike."""
NOTICED_SPREAD: Final = 1.0
"""Spread, as the sigma of a lognormal, of how often people notice an animal among others as common."""
FORGOTTEN_SHARE, UNWRITTEN_SHARE = 0.1, 0.1
"""Share of countries that written ranges forget, and of animals without a written range."""
PHOTOS: Final = 10_000
PRESENT: Final = 0.001
"""Share of the group's animals from which an animal lives in a cell."""
LEAST: Final = 0.02
"""Smaller weights count as this one in the error: `PRIOR_FLOOR` makes no difference between them."""
SHRINKS: Final = (1.0, 10.0, 30.0, 100.0, 300.0, 1000.0)

type Grid = NDArray[np.float64]  # shape (animals, cells): the cells of the Earth


@dataclass(frozen=True, slots=True)
class World:
    """A generated truth. `shares`: of each animal among its group in each cell of `land`, 0 elsewhere.

    `effort`: shape (cells,), the share of all records that people make in a cell, without the eager observer.
    `ranges`: what somebody has written about each animal; none for some.
    """

    earth: Earth
    surroundings: Surroundings
    land: NDArray[np.intp]
    shares: Grid
    effort: NDArray[np.float64]
    ranges: Sequence[Rows]

    def records(self, number: int, generator: np.random.Generator) -> Grid:
        """Return the number of records of each animal in each cell, of about `number` in all."""
        noticed = self.shares * generator.lognormal(0, NOTICED_SPREAD, (ANIMALS, 1))
        noticed /= np.maximum(noticed.sum(axis=0), 1e-12)
        of_people = generator.poisson(noticed * self.effort * number * (1 - EAGER_SHARE)).astype(float)
        mistaken = generator.binomial(of_people.astype(int), MISTAKEN_SHARE)
        of_people -= mistaken
        sets = np.arange(ANIMALS).reshape(-1, LOOK_ALIKES)
        of_people += mistaken[np.roll(sets, 1, axis=1).ravel()]
        cell = generator.choice(self.land)
        favourite = generator.choice(np.flatnonzero(self.shares[:, cell] >= PRESENT))
        wanted = (1 - FAVOURITE_SHARE) * self.shares[:, cell]
        wanted[favourite] += FAVOURITE_SHARE
        of_people[:, cell] += generator.poisson(wanted * number * EAGER_SHARE)
        return of_people


class Photos(NamedTuple):
    """The cell's position and the animal's number of each photo; the model's scores, shape (photos, animals)."""

    places: NDArray[np.intp]
    animals: NDArray[np.intp]
    vision: NDArray[np.float64]


def generate(earth: Earth, cells: Sequence[Cell], generator: np.random.Generator) -> World:
    """Generate a truth, the effort of people, and written ranges."""
    surroundings = Surroundings(earth, [each for each in cells if {*each.areas} & {*COUNTRIES}])
    in_countries = {name: np.flatnonzero(surroundings.of_countries([name]) & earth.realm[LAND]) for name in COUNTRIES}
    of_countries = surroundings.of_countries(COUNTRIES) & earth.realm[LAND]
    europe = (earth.latitude > 35) & (earth.longitude > -12) & (earth.longitude < 45)
    land = np.flatnonzero(of_countries & europe)
    place = np.stack([earth.latitude, earth.longitude * np.cos(np.radians(50))], axis=1) * 111  # km, nearly

    shares = np.zeros((ANIMALS, len(earth.cells)))
    for each in range(ANIMALS):
        distance = np.linalg.norm(place[land] - place[generator.choice(land)], axis=1)
        width = generator.uniform(300, 1500)
        shares[each, land] = generator.lognormal(0, 1.5) * np.exp(-((distance / width) ** 2))
    shares /= np.maximum(shares.sum(axis=0), 1e-12)
    shares[shares < PRESENT] = 0
    shares /= np.maximum(shares.sum(axis=0), 1e-12)

    effort = np.zeros(len(earth.cells))
    effort[land] = 0.02
    towns = generator.choice(land, TOWNS)
    for rank, town in enumerate(towns, 1):
        effort += np.where(of_countries, np.exp(-np.linalg.norm(place - place[town], axis=1) / 100), 0) / rank
    for _ in range(ROADS):
        start, end = place[generator.choice(towns, 2)]
        steps = start + (end - start) * np.linspace(0, 1, 30)[:, None]
        near = np.linalg.norm(place[land, None] - steps, axis=2).min(axis=1) < 60
        effort[land[near]] += 0.1
    for its in in_countries.values():
        effort[its] *= generator.lognormal(0, 1)
    effort = np.where(shares.sum(axis=0) > 0, effort, 0)

    ranges = []
    for its_shares in shares:
        lives = np.zeros(len(earth.cells), bool)
        for its in in_countries.values():
            if (its_shares[its] > 0).mean() > 0.2 and generator.random() > FORGOTTEN_SHARE:
                lives[its] = True
        found = np.flatnonzero(lives) if generator.random() > UNWRITTEN_SHARE else np.empty(0, np.intp)
        rows = np.zeros(len(found), ROW)
        rows["cell"], rows["weight"], rows["status"] = earth.cells[found], WEIGHTS.native, NATIVE
        ranges.append(rows)
    return World(earth, surroundings, land, shares, effort / effort.sum(), ranges)


def seen(world: World, records: Grid, formula: Formula = FORMULA) -> Grid:
    """Return the corrected weights of all animals."""
    effort = Effort.of(records.sum(axis=0), world.surroundings)
    return np.array([weights_of(each, effort, world.surroundings, formula=formula) for each in records])


def weights_of_shares(shares: Grid) -> Grid:
    """Return the weights that the formula gives to true shares."""
    return np.asarray(1 - (1 - shares) ** FORMULA.seen)


def log_ratio(world: World, weights: Grid) -> float:
    """Return the mean absolute log ratio of weights to the true ones, in all pairs of animal and cell of land."""
    truth = np.maximum(weights_of_shares(world.shares[:, world.land]), LEAST)
    return float(np.abs(np.log(np.maximum(weights[:, world.land], LEAST) / truth)).mean())


def divergence(world: World, found: Grid) -> float:
    """Return the mean Jensen-Shannon divergence, in bits, between where an animal lives and where it is found."""
    p, q = (
        each[:, world.land] / np.maximum(each[:, world.land].sum(axis=1), 1e-12)[:, None]
        for each in (world.shares, found)
    )
    middle = (p + q) / 2

    def bits(of: Grid) -> Grid:
        return np.asarray((of * np.log2(np.where(of > 0, of / np.where(middle > 0, middle, 1), 1))).sum(axis=1))

    return float(((bits(p) + bits(q)) / 2).mean())


def priors(world: World, records: Grid, weights: Grid, rules: Rules | None) -> Grid:
    """Return the prior of each animal in each cell: from written ranges alone without `rules`, or with records."""
    effort = Effort.of(records.sum(axis=0), world.surroundings)
    found = np.zeros_like(weights)
    for number, written in enumerate(world.ranges):
        rows: Rows | None = written
        if rules and len(written):
            rows = combine(written, records[number], weights[number], effort, world.earth, rules).rows
        elif rules:
            rows = range_of_records(number, records[number], weights[number], world.earth, False, rules)
        if rows is None or not len(rows):
            found[number] = 1  # nobody knows where it lives
        else:
            found[number, world.earth.positions(rows["cell"].tolist())] = rows["weight"]
    return found


def photos(world: World, generator: np.random.Generator) -> Photos:
    """Return generated photos. Half are taken where people record, the others anywhere."""
    anywhere = (world.shares.sum(axis=0) > 0).astype(float)
    places = np.concatenate(
        [generator.choice(len(each), PHOTOS // 2, p=each / each.sum()) for each in (anywhere, world.effort)]
    )
    cumulated = world.shares[:, places].cumsum(axis=0)
    animals = np.minimum((cumulated < generator.random(PHOTOS)).sum(axis=0), ANIMALS - 1)
    logits = generator.normal(0, 1, (PHOTOS, ANIMALS))
    logits += 2.5 * (np.arange(ANIMALS) // LOOK_ALIKES == animals[:, None] // LOOK_ALIKES)
    logits[np.arange(PHOTOS), animals] += 1
    return Photos(places, animals, np.exp(logits))


def accuracy_of(taken: Photos, prior: Grid) -> float:
    """Return the share of photos that are named right with a prior of every animal in every cell."""
    scores = taken.vision * np.maximum(prior[:, taken.places].T, Settings().prior_floor)
    return float((scores.argmax(axis=1) == taken.animals).mean())


def combinations() -> Iterator[tuple[str, Rules]]:
    """Yield the rules that are compared, with a name."""
    for doubt in (1.0, 0.5, 0.25, 0.0):
        yield f"both, doubt {doubt:g}", replace(RULES, doubt=doubt)
    for enough in (10, 30, 100, 300):
        yield f"both, enough {enough}", replace(RULES, enough=enough)
    for widen in (1, 5, 20):
        yield f"both, widen {widen}", replace(RULES, widen=widen)


def measure(worlds: Sequence[World], seed: int) -> tuple[str, str, str]:
    """Return three tables, each by number of records: errors, errors by `shrink`, and accuracies of answers."""
    errors: dict[str, list[list[float]]] = {}
    by_shrink: dict[str, list[list[float]]] = {}
    accuracies: dict[str, list[list[float]]] = {}

    def add(rows: dict[str, list[list[float]]], name: str, column: int, value: float) -> None:
        rows.setdefault(name, [[] for _ in range(2 * len(RECORDS))])[column].append(value)

    for number, world in enumerate(worlds):
        generator = np.random.default_rng((seed, number))
        accuracy = partial(accuracy_of, photos(world, generator))
        for column, count in enumerate(RECORDS):
            records = world.records(count, generator)
            total = np.maximum(records.sum(axis=0), 1)
            weights = seen(world, records)
            raw = records / np.maximum(records.max(axis=1), 1)[:, None]
            cases: Mapping[str, tuple[Grid, Grid]] = {
                "raw counts": (raw, records),
                "shares of the cell": (weights_of_shares(records / total), records / total),
                "corrected": (weights, 1 - (1 - weights) ** (1 / FORMULA.seen)),
            }
            for name, (its_weights, found) in cases.items():
                add(errors, name, column, log_ratio(world, its_weights))
                add(errors, name, column + len(RECORDS), divergence(world, found))
            for shrink in SHRINKS:
                formula = replace(FORMULA, shrink=shrink)
                add(by_shrink, f"{shrink:g}", column, log_ratio(world, seen(world, records, formula)))
            add(accuracies, "picture alone", column, accuracy(np.ones_like(weights)))
            add(accuracies, "written ranges", column, accuracy(priors(world, records, weights, None)))
            add(accuracies, "records, raw counts", column, accuracy(raw))
            add(accuracies, "records, corrected", column, accuracy(weights))
            for name, rules in combinations():
                add(accuracies, name, column, accuracy(priors(world, records, weights, rules)))
            add(accuracies, "the truth", column, accuracy(weights_of_shares(world.shares)))

    def lines(rows: Mapping[str, Sequence[Sequence[float]]], text: Callable[[float], str]) -> list[list[str]]:
        return [[name, *(text(float(np.mean(each))) for each in its if each)] for name, its in rows.items()]

    heads = [f"{count:,} records" for count in RECORDS]
    return (
        table(lines(errors, "{:.2f}".format), ["weights from", *heads, *(f"JS, {each}" for each in heads)]),
        table(lines(by_shrink, "{:.2f}".format), ["k", *heads]),
        table(lines(accuracies, "{:.1%}".format), ["prior from", *heads]),
    )


def main() -> None:
    """Print the tables of docs/how-to/occurrences.md."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--worlds", type=int, default=5, help="number of generated truths (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of the generator (default: %(default)s)")
    options = parser.parse_args()
    earth, cells = read_area_cells().earth, list(read_dataset().cells)
    worlds = [
        generate(earth, cells, np.random.default_rng((options.seed, 1000 + each))) for each in range(options.worlds)
    ]
    print(*measure(worlds, options.seed), sep="\n\n")


if __name__ == "__main__":
    main()
