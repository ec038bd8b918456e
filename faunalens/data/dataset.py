"""Read a dataset from CSV files, and check it. A dataset is all that one load writes into the database."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import tee
from operator import itemgetter
from pathlib import Path

from chalicelib.location import parse_cell
from chalicelib.model.taxonomy import KINDS
from faunalens.data import cell_animals, dataset_files
from faunalens.data.areas.area_cells import AreaCells, UnknownArea, read_area_cells
from faunalens.data.cell_animals import WEIGHTS, Cell, Combiner, Rows, Seasons
from faunalens.data.dataset_files import FILES, RANGE_FILES, RELATIVES, DatasetError, join_some, parse_rows, read_text
from faunalens.data.ranges.language import Statement, by_taxon, read_statements
from faunalens.data.ranges.outlines import Drawing, Outlines, drawings
from faunalens.data.taxa import PACK_TAXA, AnimalRow, read_animals, read_taxa, relatives_of


@dataclass(frozen=True, slots=True)
class Dataset:
    """The rows of each table, in the order of the schema's columns.

    `cells`, `cell_animals`, `drawings` may generate more rows than fit in memory: read each only once, in this order.
    """

    version: str
    cells: Iterable[Cell]
    cell_animals: Iterable[Rows]
    animals: Sequence[AnimalRow] = ()
    statements: Sequence[tuple[int, Statement]] = ()
    """The statements about ranges, each with the number of its animal."""
    sources: Sequence[tuple[str, str, str, str]] = ()
    taxa: Sequence[tuple[str, str, str]] = ()
    other_names: Sequence[tuple[int, str, str]] = ()
    """Old and other names, each with the number of its animal and its source."""
    seasons: Sequence[Seasons] = ()
    drawings: Iterable[Drawing] = ()
    unknown: Sequence[AnimalRow] = ()
    """The wild and marine animals without any statement on where they live."""


def read_dataset(files: dict[str, Path] | None = None, combiner: Combiner | None = None) -> Dataset:
    """Read the dataset of this checkout. `files`: paths that replace those in `FILES`, keyed by name.

    `combiner`: combines the ranges with evidence, such as records of occurrences.

    Raise `DatasetError` for a faulty file. Its message names the file and the fault.
    """
    paths = FILES | (files or {})
    general, of_packs = read_animals(paths["labels"], paths["taxon_facts"])
    animals = general + of_packs
    number_of = {animal.taxon: animal.animal for animal in animals}
    cells = _cells(read_text(paths["cell_areas"]))
    maps = read_maps(paths["range_maps"])
    columns = itemgetter("source", "title", "citation", "licence")
    sources = parse_rows("sources", read_text(paths["sources"]), columns)
    other_names = parse_rows("other_names", read_text(paths["other_names"]), itemgetter("taxon", "name", "source"))
    areas = read_area_cells(paths["cell_areas"], paths["groups"], paths["remote_islands"])
    relatives = relatives_of(paths["labels"], general)
    every = [each for name in RANGE_FILES if relatives or name == "ranges" for each in read_ranges(paths[name])]
    statements = [each for each in every if each.taxon in number_of]
    of_relatives = [each for each in every if each.taxon in relatives]
    used = {each.source for each in statements} | {source for *_, source in other_names}
    _check(animals, used, {source for source, *_ in sources})
    check_areas(statements + of_relatives, areas)
    here = cell_animals.cell_relatives(relatives, by_taxon(of_relatives), areas)
    seasons: Sequence[Seasons] = ()
    ranges: Iterable[Rows] = cell_animals.ranges_of(number_of, by_taxon(statements), maps, areas)
    without = {each.taxon for each in animals if each.kind in ("wild", "marine")} - {each.taxon for each in statements}
    version = version_of(files)
    if combiner:
        ranges, known, digest, seasons = combiner(animals, cells, areas.earth, ranges)
        version = hashlib.sha256(f"{version} {digest}".encode()).hexdigest()[:12]
        without = {taxon for taxon in without if number_of[taxon] not in known}
    for_cells, for_drawings = tee(ranges)
    return Dataset(
        version=version,
        cells=[cell._replace(relatives=here.get(cell.cell, ())) for cell in cells],
        cell_animals=cell_animals.in_chunks(for_cells),
        seasons=seasons,
        drawings=drawings(Outlines(areas.earth), for_drawings),
        animals=animals,
        statements=[(number_of[each.taxon], each) for each in statements],
        sources=sources,
        taxa=read_taxa(paths["taxa"], paths["labels"]),
        other_names=[(number_of[taxon], name, source) for taxon, name, source in other_names if taxon in number_of],
        unknown=[animal for animal in animals if animal.taxon in without],
    )


def version_of(files: dict[str, Path] | None = None) -> str:
    """Return the version of a dataset: the first digits of a SHA-256 over all its files and `WEIGHTS`.

    The same data have the same version. `files`: as for `read_dataset`. Raise `DatasetError` if a file is missing.
    """
    paths = FILES | (files or {})
    labels, of_ranges = paths["labels"], {name: dataset_files.range_files(paths.pop(name)) for name in RANGE_FILES}
    ranges = {f"{name}/{path.name}": path for name, several in of_ranges.items() for path in several}
    if (relatives := labels.with_name(RELATIVES)).is_file():
        paths["relatives"] = relatives
    of_packs = *dataset_files.pack_labels(labels), *labels.parent.glob(PACK_TAXA)
    packs = {f"packs/{path.name}": path for path in of_packs}
    digest = hashlib.sha256(repr(WEIGHTS).encode())
    for name, path in sorted((paths | ranges | packs).items()):
        digest.update(f"\0{name}\0{read_text(path)}".encode())
    return digest.hexdigest()[:12]


def read_ranges(path: Path) -> list[Statement]:
    """Read the statements in a file, or in all CSV files of a folder. Raise `DatasetError` for a faulty row."""
    return [statement for file in dataset_files.range_files(path) for statement in read_statements(file)]


def read_maps(path: Path) -> Mapping[str, list[int]]:
    """Return the H3 cells on each taxon's range map, by taxon. Raise `DatasetError` for a faulty file."""
    return _maps(read_text(path))


# A process that reads several datasets parses the large files that they have in common once.
@lru_cache(maxsize=1)
def _maps(text: str) -> Mapping[str, list[int]]:
    maps: dict[str, list[int]] = {}
    cell_of = cache(parse_cell)  # many maps have the same cells
    for taxon, cell in parse_rows("range_maps", text, lambda row: (row["taxon"], cell_of(row["cell"]))):
        maps.setdefault(taxon, []).append(cell)
    return maps


@lru_cache(maxsize=1)
def _cells(text: str) -> list[Cell]:
    return parse_rows(
        "cell_areas", text, lambda row: Cell(parse_cell(row["cell"]), row["coast"] == "1", tuple(row["areas"].split()))
    )


def _check(animals: Sequence[AnimalRow], used: set[str], sources: set[str]) -> None:
    """Raise `DatasetError` for faults that PostgreSQL would accept, or would reject without naming the file."""
    if kinds := {animal.kind for animal in animals} - {*KINDS}:
        raise DatasetError(f"labels.csv has a kind other than {', '.join(KINDS)}: {join_some(sorted(kinds))}")
    if unknown := used - sources:
        raise DatasetError(f"ranges or other names have sources that sources.csv lacks: {join_some(sorted(unknown))}")


def check_areas(statements: Iterable[Statement], areas: AreaCells) -> None:
    """Raise `DatasetError` if a statement names an area that does not exist."""
    for statement in statements:
        try:
            areas.expect_known(statement.range)
        except UnknownArea as error:
            raise DatasetError(f"{statement.place}, column {error.column} of areas: {error}") from error
