"""Identify photos in this process: `identify` as every transport calls it, with one thread a photo.

Without PostgreSQL and Redis, the animals of all cells come from one file in the user's cache. The first run computes it
from the dataset of this checkout. Its values are those that Redis has (chalicelib/features/codec.py).
"""
# ruff: noqa: ARG002, a file needs no deadline

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import numpy as np

from chalicelib.api.answers import answer_of
from chalicelib.api.http import json_of
from chalicelib.config.settings import Settings
from chalicelib.deadline import Deadline
from chalicelib.errors import HTTPError, StoreError
from chalicelib.features.cell_features import CellFeatures
from chalicelib.features.codec import FORMAT, CachedValue, CellAnimals, pack, unpack
from chalicelib.identify import IdentifyRequest, identify
from chalicelib.location import Location
from chalicelib.services import Services, build_recogniser, patient_features
from chalicelib.telemetry.record import Record
from faunalens.data.cell_animals import ROW
from faunalens.data.dataset import Dataset, read_dataset, version_of
from faunalens.data.dataset_files import files_beside
from faunalens.engines.engine import LASTING, Identified, Refused
from faunalens.engines.place import Place
from faunalens.errors import CommandError

STORES = ("DATABASE_URL", "REDIS_URL")
LONG = 30 * 86_400.0
"""Seconds for which a run trusts the features that it has looked up: longer than it lasts."""


class LocalEngine:
    """An engine in this process. `top`: number of candidates in an answer. `boxes`: whether to look for boxes."""

    def __init__(self, services: Services, top: int, *, boxes: bool = False) -> None:
        self._services, self._top = services, top
        self._request = IdentifyRequest(boxes=boxes or None)

    @classmethod
    def build(
        cls,
        settings: Settings,
        environment: Mapping[str, str],
        top: int,
        say: Callable[[str], None],
        *,
        boxes: bool = False,
        change: Callable[[Services], Services] = lambda services: services,
    ) -> "LocalEngine":
        """Load the models. Features come from the stores that the environment names, or else from this release's data.

        Raises `ModelError`, and `CommandError` if boxes are wanted but there is no detector. `say`: called with a
        sentence before a long step. `change`: replaces our models by another project's. `top`: candidates in an answer.
        """
        if not environment.get("MODEL_THREADS"):
            # For several photos at once, one thread a photo is fastest.
            settings = replace(settings, model=replace(settings.model, threads=1))
        settings = of_a_run(settings)
        services = Services.build(settings, features_of_places(settings, environment, say))
        if settings.model.is_own:
            services.recogniser.try_models()
        services = change(services)
        if boxes and services.recogniser.detectors.get() is None:
            raise CommandError(
                "there is no detector, so boxes cannot be found; `make setup` builds it, or omit --boxes"
            )
        return cls(services, top, boxes=boxes)

    def changed(self, change: Callable[[Services], Services]) -> "LocalEngine":
        """Return an engine like this one, with its services changed by `change`. Takes microseconds."""
        return LocalEngine(change(self._services), self._top)

    def identify(self, data: bytes, place: Place, shift: float = 0.0) -> Identified:
        """Identify the animal in a photo, as `Engine.identify` says."""
        location = None
        if place.latitude is not None and place.longitude is not None:
            location = Location(place.latitude, place.longitude, "request")
        needed = self._request._replace(place="if_valid" if place.source == "none" else "required")
        request = needed._replace(location=location, shift=shift)
        record = Record(str(uuid4()), "/identify")
        try:
            found = identify([data], request, self._services, record)
        except HTTPError as error:
            raise Refused(error.code, error.detail, is_lasting=isinstance(error, LASTING)) from error
        answer = answer_of(found, record.request_id, self._top)
        return Identified(json_of(answer), found.features.mode, found.photos[0])


def of_a_run(settings: Settings) -> Settings:
    """Return `settings` changed for a run: it looks up each place only once, and waits for the database's sign-in."""
    policy = replace(settings.features, fresh=LONG, version=LONG, total=settings.database.sign_in)
    return replace(settings, features=policy, model=settings.model.for_batches())


def versions_at_hand(settings: Settings, environment: Mapping[str, str]) -> dict[str, str]:
    """Return the version of each model, by its name.

    If the environment names neither a database nor Redis, the key `data` has the version of this release's dataset.
    Raises `ModelError`, and `DatasetError` if a file of the dataset is missing."""
    models = build_recogniser(settings).models
    found = {each.name: each.version for each in (*models.packs, *models.heads)}
    found |= {models.general.name: models.general.version}
    has_stores = any(map(environment.get, STORES))
    return found if has_stores else found | {"data": version_of(files_beside(settings.model.path))}


def features_of_places(settings: Settings, environment: Mapping[str, str], say: Callable[[str], None]) -> CellFeatures:
    """Return the lookup of features by cell: from the stores that the environment names, or else from a local file.

    Unlike a request, a run waits for the stores' sign-in. `say`: called before the file is computed."""
    if any(map(environment.get, STORES)):
        return patient_features(settings)
    return CellFeatures(NoCache(), CellFile.of(settings.model.path, cache_of(environment), say), settings.features)


def cache_of(environment: Mapping[str, str]) -> Path:
    """Return the user's cache folder, for the files that a run keeps for later runs."""
    cache = environment.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path.home() / ".cache") / "faunalens"


class CellFile:
    """A `Store` that reads the animals of cells from a local SQLite file, in place of PostgreSQL. Thread-safe."""

    breaker_is_open = False

    def __init__(self, path: Path, version: str) -> None:
        self._path, self._version = path, version
        self._empty = unpack(self._value(0) or b"", 0, version).cell_animals

    @classmethod
    def of(cls, model: Path, folder: Path, say: Callable[[str], None]) -> "CellFile":
        """Open the file of the cells of this release's dataset; compute the file if it is missing.

        `model`: path of the model, beside which the dataset's files lie. `folder`: where the file of cells is kept.
        `say`: called with a sentence before the computation. Raises `DatasetError`.
        """
        try:
            path, version = cls._name(model, folder)
            if not path.is_file():
                from filelock import FileLock  # slow to load

                path.parent.mkdir(parents=True, exist_ok=True)
                with FileLock(path.with_name(f"{path.name}-lock")):  # of several processes, one computes it
                    if not path.is_file():
                        say("computing which animals live where, once for this release: up to a minute")
                        write_cells(path, read_dataset(files_beside(model)))
        except OSError as error:
            raise CommandError(f"the file of cells cannot be saved ({error}); set XDG_CACHE_HOME") from error
        return cls(path, version)

    @classmethod
    def kept(cls, model: Path, folder: Path) -> "CellFile | None":
        """Open the file as `of` does, or return None if no run has computed it."""
        path, version = cls._name(model, folder)
        return cls(path, version) if path.is_file() else None

    @staticmethod
    def _name(model: Path, folder: Path) -> tuple[Path, str]:
        version = version_of(files_beside(model))
        return folder / f"cells-{version}-{FORMAT}.sqlite", version

    def features_of(self, cells: Sequence[int], deadline: Deadline, version: str | None = None) -> list[CellAnimals]:
        """Return the animals of each cell. Raises `StoreError`."""
        return [
            unpack(value, cell, self._version).cell_animals if value else self._empty._replace(cell=cell)
            for cell, value in zip(cells, map(self._value, cells), strict=True)
        ]

    def _value(self, cell: int) -> bytes | None:
        """Return a cell's packed value; None if the file lacks it. Each call opens the file: a process makes few."""
        try:
            with closing(sqlite3.connect(f"{self._path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
                row = connection.execute("select value from cell where cell = ?", (cell,)).fetchone()
        except sqlite3.Error as error:
            raise StoreError("postgres_error", f"the file of cells {self._path} cannot be read: {error}") from error
        return row[0] if row else None


class NoCache:
    """A `Cache` that is always empty."""

    def read(self, *_: object, **__: object) -> None:
        """Return None, whatever the arguments: nothing is cached."""

    check_in = publish = release = write = announce = read

    def claim(self, *_: object, **__: object) -> tuple[None, None]:
        return None, None

    def read_headers(self, keys: Sequence[bytes], deadline: Deadline) -> list[bytes]:
        return [b""] * len(keys)

    def demand(self, hours: Sequence[int], count: int, deadline: Deadline) -> list[dict[int, float]]:
        return [{} for _ in hours]

    def hits(self, hour: int, deadline: Deadline) -> tuple[int, int]:
        return 0, 0


def write_cells(path: Path, dataset: Dataset) -> None:
    """Write the file that `CellFile` reads, from a dataset. If that is interrupted, there is no file."""
    made = path.with_name(f".{path.name}-new")
    made.unlink(missing_ok=True)
    with closing(sqlite3.connect(made)) as connection, connection:
        connection.execute("create table cell (cell integer primary key, value blob not null) strict")
        connection.executemany("insert into cell values (?, ?)", _values(dataset))
    made.replace(path)


def _values(dataset: Dataset) -> Iterator[tuple[int, bytes]]:
    """Yield each cell with its packed value. Cell 0 stands for all cells that the dataset does not have."""
    rows = np.concatenate([np.empty(0, ROW), *dataset.cell_animals])
    known = {cell.cell: cell for cell in dataset.cells}
    cells, starts = np.unique(rows["cell"], return_index=True)
    spans = dict(zip(cells.tolist(), zip(starts.tolist(), [*starts[1:].tolist(), len(rows)], strict=True), strict=True))
    unknown = np.array(sorted(animal.animal for animal in dataset.unknown), np.int32)
    for cell in sorted({0, *known, *spans}):
        mine = rows[slice(*spans.get(cell, (0, 0)))]
        areas, relatives = (known[cell].areas, known[cell].relatives) if cell in known else ((), ())
        living = mine["animal"], mine["weight"], mine["status"].astype(np.uint8)
        animals = CellAnimals(cell, dataset.version, areas, *living, unknown, np.array(relatives, np.uint16))
        yield cell, pack(CachedValue(animals, 0.0, 0.0, 0.0))
