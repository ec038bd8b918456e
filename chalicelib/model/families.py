"""What a photo may show at a place: the families of the animals that models know, and the families that none knows.

The models divide all probability among the animals that they know, and a photo of another goes to the most similar. The
dataset says which other species live in a cell. Their families become candidates: families.csv says how such an animal
usually looks to the models, and how often people photograph one.
"""

from collections.abc import Container, Iterable, Mapping, Sequence, Set
from functools import lru_cache
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from chalicelib.errors import ModelError
from chalicelib.features.features import Features
from chalicelib.model.fusion import Clade, read_members
from chalicelib.model.taxonomy import TAXON_COLUMNS, Animal, Relative, Relatives, Taxon, Taxonomy, down_to, read_rows

COLUMNS: Final = ("family", "name", "looks_like", "photographed")
SPECIES_POWER: Final = 0.7
"""A family's weight grows with this power of its number of species: of many, most are rarely photographed.

docs/explanation/field.md says what other values of this constant and the next two change."""
OF_CLASS: Final[Mapping[str, float]] = {"Mammalia": 1.2}
"""Factor of the weight of unknown species, by class; 1 for other classes."""
WORLD: Final = 0.05
"""Weight of each species of a family if the place is not known, so that the families of the whole world count."""
PLACES: Final = 64
"""Maximum number of places whose candidates a process remembers: about 60 kB each with all packs."""
NEVER_PHOTOGRAPHED: Final = frozenset({"Delphinidae", "Hominidae"})
"""Families whose unknown species do not count: dolphins at sea, and apes, of which people are one."""
UNCOUNTED: Final = frozenset({"Amphibia", "Arachnida", "Reptilia"})
"""Classes of which models know few species, and of which the dataset lists no further species."""


class Family(NamedTuple):
    """A row of families.csv. `name`: what people call such an animal; empty if a taxa.csv names the family.

    `looks_like`: the known animals that models mistake such an animal for: taxon id and weight of each. `photographed`:
    how often people photograph the family, relative to other families with as many species.
    """

    name: str = ""
    looks_like: tuple[tuple[str, float], ...] = ()
    photographed: float = 1.0


class Runs(NamedTuple):
    """Runs of equal keys in a sequence, such as the animals of a species in tree order.

    `starts`: position where each run begins. `sizes`: length of each run. `number`: the run of each element.
    """

    starts: NDArray[np.intp]
    sizes: NDArray[np.intp]
    number: NDArray[np.intp]

    @classmethod
    def of(cls, keys: Sequence[str]) -> "Runs":
        """Return the runs of equal keys in a sequence."""
        starts = [number for number, key in enumerate(keys) if number == 0 or key != keys[number - 1]]
        sizes = np.diff([*starts, len(keys)])
        return cls(np.array(starts), sizes, np.repeat(np.arange(len(starts)), sizes))

    def sums[Number: np.floating](self, values: NDArray[Number]) -> NDArray[Number]:
        """Return the sum of each run's values. `bincount` takes a quarter of the time of `reduceat`: runs are short."""
        return np.bincount(self.number, values, len(self.starts)).astype(values.dtype, copy=False)


class Layout(NamedTuple):
    """A taxonomy's animals as arrays, so that the sums over all species and families are slices of one array.

    A *species* is one animal, or all animals of one species, such as the 118 breeds of dogs. A *family* has the species
    of a family, or one animal that stands for a wider taxon, such as 'snail'. All are in tree order.

    `animals`: each species' run of animals. `genera`, `families`: each genus' and each family's run of species; a
    species that has no genus or family is a run. `species`: the first animal of each species. `output_of`: output index
    of each animal, by taxon id. `covers`: numbers of species that include others, such as 'tusker', each with the
    numbers of those others, such as the elephants.
    """

    taxonomy: Taxonomy
    animals: Runs
    genera: Runs
    families: Runs
    species: tuple[Animal, ...]
    output_of: Mapping[str, int]
    covers: tuple[tuple[int, NDArray[np.intp]], ...]

    @classmethod
    def of(cls, taxonomy: Taxonomy, classes: Mapping[str, Set[Clade]]) -> "Layout":
        """Arrange the animals of a taxonomy. `classes`: what `read_members` returns."""
        ordered = [taxonomy.animals[index] for index in taxonomy.order.tolist()]
        animals = _runs(ordered, "species")
        species = [ordered[start] for start in animals.starts.tolist()]
        number = {animal.taxon_id: each for animal, each in zip(ordered, animals.number.tolist(), strict=True)}
        own = {(each.scientific_name, each.rank): number[each.taxon_id] for each in ordered}
        covers = tuple(
            (number[taxon], np.array(sorted(own[clade] for clade in clades)))
            for taxon, clades in classes.items()
            if taxon in number and clades <= own.keys()
        )
        output_of = {animal.taxon_id: animal.output_index for animal in taxonomy.animals}
        genera, families = (_runs(species, rank) for rank in ("genus", "family"))
        return cls(taxonomy, animals, genera, families, tuple(species), output_of, covers)

    def looks(self, row: Family) -> list[tuple[int, float]]:
        """Return the output indices of the animals that a family looks like, with shares that add up to 1."""
        found = [(self.output_of[taxon], weight) for taxon, weight in row.looks_like if taxon in self.output_of]
        total = sum(weight for _, weight in found)
        return [(animal, weight / total) for animal, weight in found]

    def lineage(self, species: int) -> tuple[Taxon, ...]:
        """Return the taxa down to a species, given by its number, or down to its animal if it has only one."""
        lineage = self.species[species].lineage
        return lineage if self.animals.sizes[species] == 1 else down_to(lineage, "species")

    def animals_of(self, species: int) -> list[Animal]:
        """Return all animals of a species. `species`: its number."""
        start = int(self.animals.starts[species])
        positions = self.taxonomy.order[start : start + int(self.animals.sizes[species])]
        return [self.taxonomy.animals[index] for index in positions.tolist()]


class Tree(NamedTuple):
    """Families in the tree of life. A family without an order has one of its own, and so has an order without a class.

    `lineages`: taxa down to each family. `order`: number of each family's order. `class_`: number of each order's
    class. `uncounted`: for each order, whether it may have species at the place that are not in the dataset.
    """

    lineages: Sequence[tuple[Taxon, ...]]
    order: NDArray[np.intp]
    class_: NDArray[np.intp]
    uncounted: NDArray[np.bool_]

    @classmethod
    def of(cls, lineages: Sequence[tuple[Taxon, ...]], uncounted: Set[str]) -> "Tree":
        """Number the orders and classes of families. `uncounted`: names of the classes whose orders are uncounted."""
        orders: dict[str, int] = {}
        classes: dict[str, int] = {}
        order, class_, is_uncounted = [], [], []
        for lineage in lineages:
            named = {taxon.rank: taxon.scientific_name for taxon in lineage}
            own = lineage[-1].scientific_name
            key = named.get("order", own)
            if key not in orders:
                orders[key] = len(orders)
                class_.append(classes.setdefault(named.get("class", own), len(classes)))
                is_uncounted.append(named.get("class") in uncounted)
            order.append(orders[key])
        return cls(lineages, np.array(order), np.array(class_), np.array(is_uncounted))


class LookAlikes(NamedTuple):
    """The known animals that some unknown families look like.

    `families`: these families' positions in `Unknown.numbers`. `animals`: output indices, one family after the other.
    `shares`: how much each animal counts; they add up to 1 for each family. `starts`: the position in `animals` where
    each family begins.
    """

    families: NDArray[np.intp]
    animals: NDArray[np.intp]
    shares: NDArray[np.float64]
    starts: NDArray[np.intp]

    @classmethod
    def of(cls, looks: Sequence[Sequence[tuple[int, float]]]) -> "LookAlikes":
        """Arrange what `Layout.looks` returns for each family; empty for a family whose own animals models know."""
        pairs = [pair for each in looks for pair in each]
        animals, shares = (np.array([pair[side] for pair in pairs]) for side in (0, 1))
        starts = np.cumsum([0, *(len(each) for each in looks if each)])[:-1]
        return cls(np.flatnonzero([len(each) for each in looks]), animals.astype(np.intp), shares, starts)


class Unknown(NamedTuple):
    """The species that live at a place and that no model knows, by family; without a place, all such species.

    `species`: of each family, the most widespread first. `numbers`: positions of the families in the tree. `weights`:
    weight of each family. With n unknown species it is OF_CLASS · photographed · n ** SPECIES_POWER or, without a
    place, OF_CLASS · photographed · n · WORLD. `rivals`: how much each family's unknown species take from its known
    ones: √n or, without a place, √n · WORLD. `looks`: what families without a known animal look like.
    """

    species: Mapping[str, Sequence[Relative]]
    numbers: NDArray[np.intp]
    weights: NDArray[np.float64]
    rivals: NDArray[np.float64]
    looks: LookAlikes


class Candidates(NamedTuple):
    """What a photo may show at a place. `named`: taxa with their common names, by rank and scientific name.

    `tree`: first the families of the layout, then those that no model knows.
    """

    layout: Layout
    named: Mapping[tuple[str, str], Taxon]
    tree: Tree
    unknown: Unknown

    def named_down_to(self, lineage: Sequence[Taxon], rank: str) -> tuple[Taxon, ...]:
        """Return a lineage down to a rank, with the common names of taxa.csv; empty if it has no taxon of this rank.

        An animal that stands for a family has another name than the family: 'polecat' stands for weasels and otters.
        """
        return tuple(self.named.get((each.rank, each.scientific_name), each) for each in down_to(lineage, rank))

    def animal_of(self, family: int) -> Animal | None:
        """Return the first animal of a family, or None if no model knows one."""
        layout = self.layout
        starts = layout.families.starts
        return layout.species[int(starts[family])] if family < len(starts) else None


class Families:
    """The families of the animals of the models in `folder`, of `relatives`, and of families.csv. Thread-safe.

    The files are read at the first use. Layouts and candidates are remembered, so a taxonomy must remain one object.
    """

    def __init__(self, folder: Path, relatives: Relatives) -> None:
        self.folder, self.relatives = folder, relatives
        self._tables = lru_cache(1)(self._read)
        self._layout = lru_cache(PLACES)(lambda taxonomy: Layout.of(taxonomy, self._tables().classes))
        self._candidates = lru_cache(PLACES)(self._gather)

    def at(self, features: Features, taxonomy: Taxonomy) -> Candidates:
        """Return what a photo may show at the place with these features; the first call for a place takes some ms.

        Without features, it may show any family of the world. Raises `ModelError`.
        """
        here = features.found.relatives.tobytes() if features.mode == "narrowed" else None
        return self._candidates(here, taxonomy)

    def prepare(self) -> None:
        """Read families.csv and the other tables now, so that no photo has to wait for them."""
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
        """Return the candidates of a place. `here`: numbers of the unknown species there; None without a place."""
        tables, layout = self._tables(), self._layout(taxonomy)
        numbers = self.relatives.numbers if here is None else np.frombuffer(here, np.uint16).tolist()
        unknown: dict[str, list[Relative]] = {}
        for species in self.relatives.unknown(numbers, taxonomy.taxon_ids):
            if species.family not in NEVER_PHOTOGRAPHED:
                unknown.setdefault(species.family, []).append(species)
        firsts = [layout.species[first] for first in layout.families.starts.tolist()]
        lineages = [tables.down_to_family(animal, () if here is None else unknown) for animal in firsts]
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
        position = known | {family: number for number, family in enumerate(new, len(firsts))}
        tree = Tree.of(lineages, UNCOUNTED if here is not None else frozenset())
        rows = [tables.families.get(family, Family()) for family in unknown]
        counts = np.array([len(species) for species in unknown.values()], np.float64)
        by_class = np.array([OF_CLASS.get(species[0].class_, 1.0) for species in unknown.values()])
        photographed = np.array([row.photographed for row in rows])
        looks = [layout.looks(row) if family in new else [] for family, row in zip(unknown, rows, strict=True)]
        strangers = Unknown(
            unknown,
            np.array([position[family] for family in unknown], np.intp),
            by_class * photographed * (counts * WORLD if here is None else counts**SPECIES_POWER),
            np.sqrt(counts) * (WORLD if here is None else 1.0),
            LookAlikes.of(looks),
        )
        return Candidates(layout, tables.named, tree, strangers)


class _Tables(NamedTuple):
    """The content of the tables. `named`: taxa by rank and scientific name. `classes`: what `read_members` returns."""

    families: Mapping[str, Family]
    named: Mapping[tuple[str, str], Taxon]
    classes: Mapping[str, Set[Clade]]

    def lineage(self, species: Relative, above: Mapping[str, tuple[Taxon, ...]]) -> tuple[Taxon, ...]:
        """Return the taxa down to the family of an unknown species. `above`: lineages down to known taxa."""
        lineage = above.get(species.order) or (*above.get(species.class_, ()), self.taxon("order", species.order))
        return (*lineage, self.taxon("family", species.family))

    def down_to_family(self, animal: Animal, here: Container[str]) -> tuple[Taxon, ...]:
        """Return the taxa down to an animal's family, or to the animal itself if it stands for a wider taxon.

        `here`: families that live at the place. An animal that stands for just one of them is of that family: a
        porcupine of Africa is of Hystricidae.
        """
        if taxa := down_to(animal.lineage, "family"):
            return (*taxa[:-1], self.taxon("family", taxa[-1].scientific_name))
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


def _runs(animals: Iterable[Animal], rank: str) -> Runs:
    """Return the runs of animals with the same taxon of a rank; an animal without one is a run of its own."""
    return Runs.of([scientific_name(each, rank) or each.taxon_id for each in animals])
