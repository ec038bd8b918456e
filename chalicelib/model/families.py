"""What a photo may show at a place: the families of the animals that models know, and the families that none knows.

The models divide all probability among the animals that they know, and a photo of another goes to the most similar. The
dataset says which other species live in a cell. Their families become candidates: families.csv says how such an animal
usually looks to the models, and how often people photograph one.
"""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from chalicelib.errors import ModelError
from chalicelib.features.features import Features
from chalicelib.model.fusion import Clade, read_members
from chalicelib.model.relatives import Relative, Relatives
from chalicelib.model.taxonomy import TAXON_COLUMNS, Animal, Taxon, Taxonomy, read_rows

COLUMNS: Final = ("family", "name", "looks_like", "photographed")
SPECIES_POWER: Final = 0.7
"""A family's weight grows with this power of its species: of many species, most are rarely photographed.

`python -m benchmarks.field --fit` compares this constant and the next two."""
OF_CLASS: Final[Mapping[str, float]] = {"Mammalia": 1.2}
"""Weight of a family that no model knows, by class; 1 for other classes."""
WORLD: Final = 0.05
"""Weight of each species of a family if the place is not known, so that the families of the whole world count."""
PLACES: Final = 64
"""Maximum number of places whose candidates a process remembers."""
NEVER_PHOTOGRAPHED: Final = frozenset({"Delphinidae", "Hominidae"})
"""Families whose unknown species do not count: whales at sea, and apes, of which people are one."""


UNCOUNTED: Final = frozenset({"Amphibia", "Arachnida", "Reptilia"})
"""Classes of which models know few species, and of which the dataset does not count the others."""


class Family(NamedTuple):
    """A row of families.csv. `name`: what people call such an animal; empty if the tables of taxa have a name.

    `looks_like`: taxon ids of the animals for which models take one, with weights. `photographed`: how often, compared
    with other families of as many species.
    """

    name: str = ""
    looks_like: tuple[tuple[str, float], ...] = ()
    photographed: float = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """A taxonomy's animals as arrays, so that the sums over all species and families are slices of one array.

    A *species* is one animal, or all of one species: 118 breeds are one dog. A *family* has the species of a family, or
    one animal that stands for a wider taxon, such as 'snail'. All are in tree order.

    `starts`, `sizes`: position of the first animal of each species, and the number of them. `genera`, `families`:
    numbers of the first species of each; a species without a genus stands alone. `genus`, `family`: numbers of each
    species' genus and family. `species`: the first animal of each. `index`: output index of each animal, by taxon id.
    `covers`: the species whose animals other species have too, and these: 'tusker' and the elephants.
    """

    taxonomy: Taxonomy
    starts: NDArray[np.intp]
    sizes: NDArray[np.intp]
    genera: NDArray[np.intp]
    genus: NDArray[np.intp]
    families: NDArray[np.intp]
    family: NDArray[np.intp]
    species: tuple[Animal, ...]
    index: Mapping[str, int]
    covers: tuple[tuple[int, NDArray[np.intp]], ...]

    @classmethod
    def of(cls, taxonomy: Taxonomy, classes: Mapping[str, Set[Clade]]) -> "Layout":
        """Arrange a taxonomy. `classes`: what `read_members` returns."""
        ordered = [taxonomy.animals[index] for index in taxonomy.order.tolist()]
        starts = _starts([scientific_name(each, "species") or each.taxon_id for each in ordered])
        species = [ordered[start] for start in starts]
        genera = _starts([scientific_name(each, "genus") or each.taxon_id for each in species])
        families = _starts([scientific_name(each, "family") or each.taxon_id for each in species])
        sizes = np.diff([*starts, len(ordered)])
        numbers = np.repeat(np.arange(len(starts)), sizes).tolist()
        number = {animal.taxon_id: each for animal, each in zip(ordered, numbers, strict=True)}
        own = {(each.scientific_name, each.rank): number[each.taxon_id] for each in ordered}
        covers = [
            (number[taxon], np.array([own[clade] for clade in clades]))
            for taxon, clades in classes.items()
            if taxon in number and clades <= own.keys()
        ]
        genus, family = (np.repeat(np.arange(len(each)), np.diff([*each, len(species)])) for each in (genera, families))
        return cls(
            taxonomy,
            np.array(starts),
            sizes,
            np.array(genera),
            genus,
            np.array(families),
            family,
            tuple(species),
            {animal.taxon_id: animal.output_index for animal in taxonomy.animals},
            tuple(covers),
        )

    def looks(self, row: Family) -> list[tuple[int, float]]:
        """Return the output indices of the animals that a family looks like, with shares that add up to 1."""
        found = [(self.index[taxon], weight) for taxon, weight in row.looks_like if taxon in self.index]
        total = sum(weight for _, weight in found)
        return [(animal, weight / total) for animal, weight in found]

    def lineage(self, species: int) -> tuple[Taxon, ...]:
        """Return the taxa down to a species, or to the animal that stands alone for it."""
        lineage, ranks = self.species[species].lineage, [taxon.rank for taxon in self.species[species].lineage]
        return lineage if self.sizes[species] == 1 else lineage[: ranks.index("species") + 1]

    def animals(self, species: int) -> list[Animal]:
        """Return the animals that are one species."""
        start = int(self.starts[species])
        positions = self.taxonomy.order[start : start + int(self.sizes[species])]
        return [self.taxonomy.animals[index] for index in positions.tolist()]


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """The families that a photo may show at a place: first those of a layout, then those that no model knows.

    `named`: taxa by rank and scientific name. `lineages`: taxa down to each family. `order`, `class_`: number of each
    family's order, and of each order's class. `uncounted`: of each order, whether it is of an `UNCOUNTED` class, at a
    place. `unknown`: by family, the species that live there and that no model knows, the most widespread first; without
    a place, those of the world. `numbers`: of the families that have such species. `weights`: of these. `rivals`: the
    root of their number of unknown species, for the share of these within the family.

    `alike`: which of `numbers` have no animal that a model knows. `looks`, `shares`: the animals that they look like,
    by output index, and to which share; `look_starts`: where those of each begin.
    """

    layout: Layout
    named: Mapping[tuple[str, str], Taxon]
    lineages: tuple[tuple[Taxon, ...], ...]
    order: NDArray[np.intp]
    class_: NDArray[np.intp]
    uncounted: NDArray[np.bool_]
    unknown: Mapping[str, tuple[Relative, ...]]
    numbers: NDArray[np.intp]
    weights: NDArray[np.float64]
    rivals: NDArray[np.float64]
    alike: NDArray[np.intp]
    looks: NDArray[np.intp]
    shares: NDArray[np.float64]
    look_starts: NDArray[np.intp]

    def down_to(self, lineage: Sequence[Taxon], rank: str) -> tuple[Taxon, ...]:
        """Return the taxa of a lineage down to a rank, with the names of groups; none if it has no taxon of this rank.

        An animal that stands for a family has a name of its own, such as 'polecat' of the weasels and otters.
        """
        ranks = [taxon.rank for taxon in lineage]
        end = ranks.index(rank) + 1 if rank in ranks else 0
        return tuple(self.named.get((each.rank, each.scientific_name), each) for each in lineage[:end])

    def animal_of(self, family: int) -> Animal | None:
        """Return the first animal of a family, or None if no model knows one."""
        layout = self.layout
        return layout.species[int(layout.families[family])] if family < len(layout.families) else None


class Families:
    """The families of the models in `folder`, of `relatives`, and of families.csv. Thread-safe.

    The files are read at the first use. Layouts and candidates are remembered, so a taxonomy must be one object for the
    life of the process.
    """

    def __init__(self, folder: Path, relatives: Relatives) -> None:
        self.folder, self.relatives = folder, relatives
        self._tables = lru_cache(1)(self._read)
        self._layout = lru_cache(PLACES)(lambda taxonomy: Layout.of(taxonomy, self._tables().classes))
        self._candidates = lru_cache(PLACES)(self._gather)

    def at(self, features: Features, taxonomy: Taxonomy) -> Candidates:
        """Return what a photo may show at the place with these features; the first time takes some ms.

        Without features, that is all families of the world. Raises `ModelError`.
        """
        here = features.found.relatives.tobytes() if features.mode == "narrowed" else None
        return self._candidates(here, taxonomy)

    def prepare(self) -> None:
        """Read the files."""
        self._tables()

    def _read(self) -> "_Tables":
        named = {
            (row[1], row[0]): Taxon(row[2], row[0], row[1])
            for file in (self.folder / "packs" / "taxa.csv", self.folder / "taxa.csv")
            if file.is_file()
            for row in read_rows(file, TAXON_COLUMNS)
        }
        table = self.folder / "families.csv"
        return _Tables(
            read_families(table) if table.is_file() else {}, named, read_members(self.folder / "members.csv")
        )

    def _gather(self, here: bytes | None, taxonomy: Taxonomy) -> Candidates:
        """Return the candidates of a place. `here`: the numbers of its relatives; None without a place."""
        tables, layout = self._tables(), self._layout(taxonomy)
        numbers = self.relatives.numbers if here is None else np.frombuffer(here, np.uint16).tolist()
        unknown: dict[str, list[Relative]] = {}
        for species in self.relatives.unknown(numbers, taxonomy.taxon_ids):
            if species.family not in NEVER_PHOTOGRAPHED:
                unknown.setdefault(species.family, []).append(species)
        firsts = [layout.species[first] for first in layout.families.tolist()]
        lineages = [tables.down_to_family(animal, {} if here is None else unknown) for animal in firsts]
        known = {lineage[-1].scientific_name: number for number, lineage in enumerate(lineages)}
        for family in {name for animal in firsts for name in tables.families_of(animal)} - known.keys():
            unknown.pop(family, None)  # an animal stands for it, and for others
        above = {
            lineage[depth - 1].scientific_name: lineage[:depth]
            for lineage in lineages
            for depth in range(1, len(lineage) + 1)
        }
        new = [family for family in unknown if family not in known]
        lineages += [tables.lineage(unknown[family][0], above) for family in new]
        position = known | {family: number for number, family in enumerate(new, len(known))}
        order, class_, uncounted = _groups(lineages)
        rows = [tables.families.get(family, Family()) for family in unknown]
        counts = np.array([len(species) for species in unknown.values()], np.float64)
        by_class = np.array([OF_CLASS.get(species[0].class_, 1.0) for species in unknown.values()])
        photographed = np.array([row.photographed for row in rows])
        looks = [layout.looks(row) if family in new else [] for family, row in zip(unknown, rows, strict=True)]
        return Candidates(
            layout,
            tables.named,
            tuple(lineages),
            order,
            class_,
            uncounted & (here is not None),
            {family: tuple(species) for family, species in unknown.items()},
            np.array([position[family] for family in unknown], np.intp),
            by_class * photographed * (counts * WORLD if here is None else counts**SPECIES_POWER),
            np.sqrt(counts) * (WORLD if here is None else 1.0),
            np.array([number for number, each in enumerate(looks) if each], np.intp),
            np.array([animal for each in looks for animal, _ in each], np.intp),
            np.array([share for each in looks for _, share in each]),
            np.cumsum([0, *(len(each) for each in looks if each)])[:-1],
        )


class _Tables(NamedTuple):
    """`families`: rows of families.csv. `named`: taxa by rank and scientific name. `classes`: see `read_members`."""

    families: Mapping[str, Family]
    named: Mapping[tuple[str, str], Taxon]
    classes: Mapping[str, Set[Clade]]

    def lineage(self, species: Relative, above: Mapping[str, tuple[Taxon, ...]]) -> tuple[Taxon, ...]:
        """Return the taxa down to the family of an unknown species. `above`: lineages down to known taxa."""
        lineage = above.get(species.order) or (*above.get(species.class_, ()), self.taxon("order", species.order))
        return (*lineage, self.taxon("family", species.family))

    def down_to_family(self, animal: Animal, here: Mapping[str, object]) -> tuple[Taxon, ...]:
        """Return the taxa down to an animal's family, or to the animal itself if it stands for a wider taxon.

        `here`: families that live at the place. If an animal stands for one of them, it is of that family: a porcupine
        of Africa is of Hystricidae.
        """
        ranks = [taxon.rank for taxon in animal.lineage]
        if "family" in ranks:
            above = animal.lineage[: ranks.index("family")]
            return (*above, self.taxon("family", animal.lineage[len(above)].scientific_name))
        families = [name for name in self.families_of(animal) if name in here]
        return (*animal.lineage[:-1], self.taxon("family", families[0])) if len(families) == 1 else animal.lineage

    def families_of(self, animal: Animal) -> list[str]:
        """Return the families that an animal stands for, such as those of the porcupines."""
        return [name for name, rank in self.classes.get(animal.taxon_id, ()) if rank == "family"]

    def taxon(self, rank: str, name: str) -> Taxon:
        """Return a taxon with the name that people use, or else its scientific name."""
        row = self.families.get(name)
        if row is not None and row.name:
            return Taxon(row.name, name, rank)
        return self.named.get((rank, name), Taxon(name, name, rank))


def read_families(path: Path) -> dict[str, Family]:
    """Return the rows of families.csv by family. Raises `ModelError`, which names the line and the fault."""
    rows: dict[str, Family] = {}
    for line, (family, name, looks, photographed) in enumerate(read_rows(path, COLUMNS), 2):
        try:
            pairs = [each.partition(":") for each in looks.split()]
            looks_like = tuple((taxon, float(weight)) for taxon, _, weight in pairs)
            row = Family(name, looks_like, float(photographed or 1))
        except ValueError as error:
            raise ModelError(f"line {line} of {path.name}: {error}; expected numbers, such as lynx:2") from None
        if family in rows or row.photographed <= 0 or any(weight <= 0 for _, weight in looks_like):
            raise ModelError(f"line {line} of {path.name} repeats {family} or has a weight that is not above 0")
        rows[family] = row
    return rows


def scientific_name(animal: Animal, rank: str) -> str | None:
    """Return the scientific name of an animal's taxon of a rank, if it has one."""
    return next((taxon.scientific_name for taxon in animal.lineage if taxon.rank == rank), None)


def _starts(keys: Sequence[str]) -> list[int]:
    """Return where each run of equal keys begins."""
    return [number for number, key in enumerate(keys) if number == 0 or key != keys[number - 1]]


def _groups(
    lineages: Iterable[tuple[Taxon, ...]],
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.bool_]]:
    """Return the number of each family's order, the number of each order's class, and whether it is in `UNCOUNTED`.

    A family without an order has one of its own, and so has an order without a class.
    """
    orders: dict[str, int] = {}
    classes: dict[str, int] = {}
    order, class_, uncounted = [], [], []
    for lineage in lineages:
        named = {taxon.rank: taxon.scientific_name for taxon in lineage}
        own = lineage[-1].scientific_name
        key = named.get("order", own)
        if key not in orders:
            orders[key] = len(orders)
            class_.append(classes.setdefault(named.get("class", own), len(classes)))
            uncounted.append(named.get("class") in UNCOUNTED)
        order.append(orders[key])
    return np.array(order), np.array(class_), np.array(uncounted)
