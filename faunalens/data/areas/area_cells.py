"""The cells of every area that a range can name: countries, subdivisions, groups, seas and physical regions.

A cell belongs to an area of land if the area covers enough of the cell to show on a map. An area that only touches the
cell's edge counts only where no other area covers more, as on tiny islands. docs/how-to/data.md names the sources.

The code of a country or subdivision leaves out its remote islands (remote_islands.csv): `CR` is Costa Rica without
Cocos island, which has other animals. A code that has no other cells, such as `EC-W`, names the islands themselves.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import cache, cached_property, lru_cache
from pathlib import Path
from typing import Final

import numpy as np
from h3.api import basic_int as h3
from numpy.typing import NDArray

from chalicelib.location import RESOLUTION, cell_of, neighbours_of, parse_cell
from faunalens.data.dataset_files import AREAS, FILES, DatasetError, read_rows, read_text
from faunalens.data.ranges.language import Area, Areas, Range, RangeError, areas_in, parse

EU_CODES: Final = {"UK": "GB", "EL": "GR"}  # codes of the European Union that differ from ISO codes
LAND, SEA = 0, 1

type Positions = Mapping[str, NDArray[np.intp]]
"""The positions of the cells of each area, by its code or name."""
type Cells = NDArray[np.bool_]
"""A mask of shape (2, cells): the cells on land (`LAND`) and in the sea (`SEA`). A coast cell may be in both."""


class UnknownArea(RangeError):
    """A range names an area that does not exist."""


class GroupError(DatasetError):
    """A group in groups.csv is faulty: the message names it."""


@dataclass(frozen=True, slots=True)
class Earth:
    """All cells of the grid, in ascending order.

    `latitude`, `longitude`: centres in decimal degrees. `neighbours`: shape (cells, 6), positions of the adjacent
    cells; a pentagon has its own position in place of a sixth. `overland`: the same, with the cell's own position in
    place of a cell across a strait or on a remote island. `realm`: shape (2, cells), which have land and which sea.
    """

    cells: NDArray[np.int64]
    latitude: NDArray[np.float64]
    longitude: NDArray[np.float64]
    neighbours: NDArray[np.intp]
    overland: NDArray[np.intp]
    realm: Cells

    def position_of(self, latitude: float, longitude: float) -> int:
        """Return the position, among all cells, of the cell that contains a place, in decimal degrees."""
        return int(self.positions([cell_of(latitude, longitude)])[0])

    def positions(self, cells: Iterable[int]) -> NDArray[np.intp]:
        """Return the positions of H3 cells among all cells."""
        return np.searchsorted(self.cells, np.fromiter(cells, np.int64))

    def grown(self, cells: Cells, rings: int = 1) -> Cells:
        """Return the mask `cells` grown by `rings` rings of neighbouring cells, on land and in the sea separately.

        The mask does not cross a strait between countries without a common border, such as the Channel, nor grow onto a
        remote island or off it.
        """
        grown = cells.copy()
        for realm, neighbours in ((LAND, self.overland), (SEA, self.neighbours)):
            for _ in range(rings):
                around = np.zeros_like(grown[realm])
                around[neighbours[grown[realm]]] = True
                grown[realm] |= around & self.realm[realm]
        return grown


class AreaCells:
    """The cells of areas, as masks over all cells (`earth`). A group's cells are computed when it is first used."""

    def __init__(self, earth: Earth, areas: Positions, seas: Positions, groups: Mapping[str, tuple[str, ...]]) -> None:
        self.earth, self.groups = earth, groups
        land, sea = map(np.flatnonzero, earth.realm)
        self._positions = {LAND: {"land": land, **areas}, SEA: {"sea": sea, **seas}}
        self._known: dict[str, Cells] = {}

    @cached_property
    def names(self) -> frozenset[str]:
        """Return the codes and names of all areas."""
        return frozenset({*self._positions[LAND], *self._positions[SEA], *self.groups})

    def of(self, statement: Range) -> Cells:
        """Return the cells of a range as a mask, shape (2, cells): land and sea. Raises `UnknownArea`."""
        cells = self._tree(statement.areas)
        return cells & self._limits(statement) if statement.limits else cells

    def expect_known(self, statement: Range) -> None:
        """Raise `UnknownArea` for an unknown area, or `GroupError` for a faulty group. Computes only groups' cells."""
        for area in areas_in(statement.areas):
            if area.name in self.groups:
                self._group(area.name)
            elif area.name not in self.names:
                raise self._unknown(area)

    def named(self, name: str) -> Cells:
        """Return the cells of the area with this code or name. Raise `KeyError`, or `GroupError` for a faulty group."""
        cells = np.zeros((2, len(self.earth.cells)), bool)
        self._add(name, cells)
        return cells

    def _add(self, name: str, cells: Cells) -> None:
        """Add the cells of one area to a mask. Raises as `named` does."""
        if name in self.groups:
            cells |= self._group(name)
        else:
            realm = LAND if name in self._positions[LAND] else SEA
            cells[realm, self._positions[realm][name]] = True

    def _group(self, name: str) -> Cells:
        """Return the cells of a group, which are kept in memory. Other masks are not: all 5,000 would take 400 MB."""
        if name not in self._known:
            cells = self._known[name] = np.zeros((2, len(self.earth.cells)), bool)  # for a group that contains itself
            for text in self.groups[name]:
                try:
                    cells = cells | self.of(parse(text))
                except RangeError as error:
                    raise GroupError(f"group {name}: {error} (column {error.column})") from error
            self._known[name] = cells
        return self._known[name]

    def _tree(self, tree: Areas) -> Cells:
        if isinstance(tree, Area):
            try:
                return self.named(tree.name)
            except KeyError:
                raise self._unknown(tree) from None
        cells = self._tree(tree.first)
        for sign, each in tree.rest:
            if sign == " " and isinstance(each, Area) and each.name in self.names:
                self._add(each.name, cells)  # most ranges are lists of areas, which share one mask
            elif sign in " +":
                cells |= self._tree(each)
            else:
                cells &= self._tree(each) if sign == "&" else ~self._tree(each)
        return cells

    def _unknown(self, area: Area) -> UnknownArea:
        advice = suggest(area.name, read_names(), self.names)
        return UnknownArea(f"no area is called '{area.name}'; {advice}", area.column)

    def _limits(self, statement: Range) -> NDArray[np.bool_]:
        inside = np.ones(len(self.earth.cells), bool)
        for limit in statement.limits:
            centres = self.earth.latitude if limit.axis == "lat" else self.earth.longitude
            inside &= centres <= limit.degrees if limit.sign == "<=" else centres >= limit.degrees
        return inside


def read_area_cells(
    countries: Path = FILES["cell_areas"], groups: Path = FILES["groups"], islands: Path = FILES["remote_islands"]
) -> AreaCells:
    """Read the cells of all areas. Raise `DatasetError` for an unreadable file, `ValueError` for a malformed one.

    `countries`: the countries and coasts of each cell. `groups`: groups.csv or another file like it. `islands`: the
    remote islands that codes leave out, as groups. The result is kept in memory until the files change.
    """
    paths = countries, groups, islands
    return _area_cells(*paths, tuple(map(read_text, paths)))


@lru_cache(maxsize=2)
def _area_cells(countries: Path, groups: Path, islands: Path, _texts: tuple[str, ...]) -> AreaCells:
    cells, centres = grid()
    position = {cell: number for number, cell in enumerate(cells.tolist())}
    neighbours = np.empty((len(cells), 6), np.intp)
    for number, cell in enumerate(cells.tolist()):
        around = [position[other] for other in neighbours_of(cell)]
        neighbours[number] = around + [number] * (6 - len(around))

    rows = {position[parse_cell(row["cell"])]: row for row in read_rows(countries)}
    land = _land({number: row["areas"].split() for number, row in rows.items()}, position)
    regions = _by_area(_shares(AREAS / "cell_regions.csv.gz", position))
    seas = _by_area(_shares(AREAS / "cell_seas.csv.gz", position))
    realm = np.zeros((2, len(cells)), bool)
    realm[LAND, np.concatenate([np.empty(0, np.intp), *land.values()])] = True
    realm[SEA, np.concatenate([np.empty(0, np.intp), *seas.values()])] = True
    realm[SEA, [number for number, row in rows.items() if row["coast"] == "1"]] = True
    earth = Earth(cells, centres[:, 0], centres[:, 1], neighbours, neighbours, realm)
    whole = AreaCells(earth, land, seas, _groups(islands))
    remote = {name: np.flatnonzero(whole.named(name)[LAND]) for name in whole.groups}
    far = np.isin(np.arange(len(cells)), np.concatenate([np.empty(0, np.intp), *remote.values()]))
    earth = replace(earth, overland=_overland(neighbours, realm, land, far))
    near = {name: cells if far[cells].all() else cells[~far[cells]] for name, cells in land.items()}
    return AreaCells(earth, {**regions, **near, **remote}, seas, _groups(groups))


def _groups(path: Path) -> dict[str, tuple[str, ...]]:
    """Return the expressions of each group in a file, by name. A group may have several rows."""
    groups: dict[str, tuple[str, ...]] = {}
    for row in read_rows(path):
        groups[row["group"]] = (*groups.get(row["group"], ()), row["areas"])
    return groups


def _land(countries_of: Mapping[int, list[str]], position: Mapping[int, int]) -> Positions:
    """Return the positions of the cells of each country and subdivision, keyed by code.

    `countries_of`: the countries of each cell: Bouvet Island is BV, although the file of subdivisions gives it to NO. A
    cell that an area only touches is not the area's, unless the area has no other cell.
    """
    shares = dict(_shares(AREAS / "cell_subdivisions.csv.gz", position))
    covered: dict[str, list[int]] = {}
    touched: dict[str, list[int]] = {}
    for number in sorted(shares.keys() | countries_of.keys()):
        its = shares.get(number, {})
        if known := countries_of.get(number, []):
            its = {name: share for name, share in its.items() if name != name[:2] or name in known}
        inside = {name for name, share in its.items() if share > 0} or set(its)
        known = known or sorted({name[:2] for name in inside})
        mapped, covering = {name[:2] for name in its}, {name[:2] for name in inside}
        inside |= {country for country in known if country in covering or country not in mapped}
        for name in {*its, *known}:
            (covered if name in inside else touched).setdefault(name, []).append(number)
    return {name: np.array(numbers, np.intp) for name, numbers in (touched | covered).items()}


def _overland(neighbours: NDArray[np.intp], realm: Cells, land: Positions, far: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Return the neighbours of each cell, without those across a strait. `far`: the cells on remote islands.

    There is a strait between two coast cells if no country of one cell is, or borders on, a country of the other, or if
    one of the cells is on a remote island. Countries border on each other if a cell without sea has both.
    """
    countries = sorted(name for name in land if len(name) == 2)
    has = np.zeros((neighbours.shape[0], len(countries)), np.float32)
    for column, name in enumerate(countries):
        has[land[name], column] = 1
    inland = has[realm[LAND] & ~realm[SEA]]
    borders = (inland.T @ inland > 0) | np.eye(len(countries), dtype=bool)
    reaches = has @ borders.astype(np.float32)  # the countries of a cell, and those that border on them
    overland = neighbours.copy()
    coast = realm.all(axis=0)
    for column in range(neighbours.shape[1]):
        other = neighbours[:, column]
        abroad = (reaches * has[other]).sum(axis=1) == 0
        apart = coast & coast[other] & (abroad | (far != far[other]))
        overland[apart, column] = np.flatnonzero(apart)
    return overland


def _by_area(shares: Iterable[tuple[int, dict[str, float]]]) -> Positions:
    areas: dict[str, list[int]] = {}
    for number, its in shares:
        for name in its:
            areas.setdefault(name, []).append(number)
    return {name: np.array(numbers, np.intp) for name, numbers in areas.items()}


def _shares(path: Path, position: Mapping[int, int]) -> Iterator[tuple[int, dict[str, float]]]:
    """Yield each cell's position, and the share of the cell that each area covers (0: the area only touches it)."""
    for row in read_rows(path):
        parts = (part.rpartition(":") for part in row["areas"].split())
        yield position[parse_cell(row["cell"])], {name: float(share) for name, _, share in parts}


@cache
def grid() -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return every cell of the grid in ascending order, and the centres: shape (cells, 2), latitude and longitude."""
    cells = sorted(cell for base in h3.get_res0_cells() for cell in h3.cell_to_children(base, RESOLUTION))
    return np.array(cells), np.array([h3.cell_to_latlng(cell) for cell in cells])


def read_names() -> dict[str, str]:
    """Return the English name of each country (ISO 3166-1) and subdivision (ISO 3166-2), keyed by code."""
    columns = {"countries.csv": "area", "subdivisions.csv": "subdivision"}
    return {row[column]: row["name"] for file, column in columns.items() for row in read_rows(AREAS / file)}


def suggest(text: str, names: Mapping[str, str], areas: Iterable[str]) -> str:
    """Return advice on an unknown area: its code, areas with similar names, or where to look.

    `names`: name of each code. `areas`: all areas that exist.

    >>> suggest("Germany", {"DE": "Germany"}, ["DE"])
    'write DE'
    >>> suggest("Sahell", {}, ["Sahel", "Sahara", "DE"])
    'similar: Sahel'
    """
    normalized = text.strip().upper()
    by_name = {name.upper().replace(" ", "-"): code for code, name in reversed(list(names.items()))}
    code = EU_CODES.get(normalized) or by_name.get(normalized.replace(" ", "-"), normalized)
    if code in names:
        return f"write {code}"
    close = get_close_matches(text, [area for area in areas if len(area) > 2], n=3, cutoff=0.7)
    return f"similar: {', '.join(close)}" if close else "docs/how-to/data.md says which areas there are"
