"""Packs: models for some taxa each, which score a photo after the general model. A pack loads on its first photo."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Final, NamedTuple
from zlib import crc32

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from chalicelib.errors import ModelError
from chalicelib.features.features import Features
from chalicelib.lazy import Lazy
from chalicelib.model.manifest import Manifest, read_manifests
from chalicelib.model.session import first_line, load_session, version_of
from chalicelib.model.taxonomy import (
    FIELDS,
    KINDS,
    LARGEST_ID,
    RANKS,
    TAXON_COLUMNS,
    Animal,
    Relatives,
    Taxon,
    build_animal,
    read_rows,
)
from chalicelib.photo.pixels import crop_share

INPUT, OUTPUT = "image", "probabilities"
REMEDY = "run `make setup`, which builds the packs"
LABEL_COLUMNS = ("output_index", "label", *FIELDS, *RANKS)
FIRST: Final = LARGEST_ID // 2 + 1
"""The least id that `id_of` computes; ids of the release are below 100,000."""
NATIVE: Final = 1
"""Status of a relative at a place: the range data of relatives has no other."""


class PackLabels(NamedTuple):
    """The animals of a pack, in the order of their first outputs.

    `animals`: the `output_index` of each is its position in this tuple. `animal_of`: shape (outputs,), the position of
    the animal that each output stands for.
    """

    animals: tuple[Animal, ...]
    animal_of: NDArray[np.intp]

    @classmethod
    def read(cls, labels: Path, general: Path | None = None) -> "PackLabels":
        """Read the labels of a pack.

        The names of the taxa above the animals are in `taxa.csv` of the pack's folder and of the general model's, which
        is `general` or the folder above. A taxon without a row there has its scientific name. Raise `ModelError` if a
        file is malformed.
        """
        named: dict[tuple[str, str], str] = {}
        for file in (labels.with_name("taxa.csv"), (general or labels.parent.parent) / "taxa.csv"):
            if file.is_file():
                named |= {(row[0], row[1]): row[2] for row in read_rows(file, TAXON_COLUMNS)}
        taxon = cache(lambda cell, rank: Taxon(named.get((cell, rank)) or cell, cell, rank))
        animals: dict[str, Animal] = {}
        rows: dict[str, list[str]] = {}
        animal_of = []
        for index, (output, _, *row) in enumerate(read_rows(labels, LABEL_COLUMNS)):
            if output != str(index):
                raise ModelError(f"output_index in {labels.name} is '{output}'; expected {index}, one row per output")
            if rows.setdefault(row[1], row) != row:
                raise ModelError(f"{labels.name} has different rows for {row[1]}; expected equal columns from id on")
            if row[1] not in animals:
                lineage = [taxon(*each) for each in zip(row[len(FIELDS) :], RANKS, strict=True) if each[0]]
                animals[row[1]] = build_animal(row[: len(FIELDS)], lineage, len(animals), labels.name)
            animal_of.append(animals[row[1]].output_index)
        if not animals or len({animal.id for animal in animals.values()}) != len(animals):
            raise ModelError(f"{labels.name} has no rows, or one id for two taxa; expected a row for each output")
        order = np.array(animal_of, dtype=np.intp)
        order.flags.writeable = False
        return cls(tuple(animals.values()), order)


class PackModel:
    """A model of a pack. Thread-safe. Creating this object reads no file; the first photo loads the model.

    `threads`: number of threads per inference, or 0 for one per processor.
    """

    def __init__(self, manifest: Manifest, threads: int = 0) -> None:
        self.name, self.manifest = manifest.name, manifest
        self._session = Lazy(lambda: load_session(manifest.model, threads, REMEDY))

    @property
    def is_loaded(self) -> bool:
        """Return whether the model is in memory."""
        return self._session.is_made

    @cached_property
    def version(self) -> str:
        """Return `version_of` the model. Computed at first use, because that takes 5 ms."""
        return version_of(self.manifest.model)

    def outputs(self, names: Sequence[str], inputs: dict[str, NDArray[Any]]) -> list[NDArray[np.float32]]:
        """Return the outputs `names` of the model. Raises `ModelError` if it cannot be loaded, or inference fails."""
        session = self._session.get()
        try:
            found: list[NDArray[np.float32]] = session.run(names, inputs)
        except Exception as error:  # onnxruntime's errors have no common base class
            what_to_do = f"check it: python -m model check {self.manifest.file}"
            raise ModelError(f"inference with pack {self.name} failed: {first_line(error)}; {what_to_do}") from error
        return found


class LabelledModel(PackModel):
    """A model of a pack, whose outputs have labels, which are read at their first use.

    `general`: the folder of the general model, if it is not the one above the pack's. `id_of`: returns the id of an
    animal, in place of the id in the labels.
    """

    def __init__(
        self,
        manifest: Manifest,
        threads: int = 0,
        general: Path | None = None,
        id_of: Callable[[Animal], int] | None = None,
    ) -> None:
        super().__init__(manifest, threads)
        self._general, self._id_of = general, id_of

    @property
    def animals(self) -> tuple[Animal, ...]:
        """Return the animals that the pack knows, in the order of its scores."""
        return self.labels.animals

    @cached_property
    def labels(self) -> PackLabels:
        """Return the labels of the outputs. Computed at first use, because that takes 10 ms. Raises `ModelError`."""
        labels = PackLabels.read(self.manifest.labels, self._general)
        if self._id_of is None:
            return labels
        return labels._replace(animals=tuple(each._replace(id=self._id_of(each)) for each in labels.animals))

    def run(self, name: str, values: NDArray[Any], others: int = 0) -> NDArray[np.float32]:
        """Return the probabilities of all outputs. `name`: of the input. `others`: number of outputs without a label.

        Raises the errors of `outputs`.
        """
        (probabilities,), count = self.outputs([OUTPUT], {name: values}), len(self.labels.animal_of) + others
        if probabilities.shape != (1, count):
            more = f", and {others} more" if others else ""
            raise ModelError(
                f"pack {self.name} gives outputs of shape {probabilities.shape}; expected (1, {count}), one for each "
                f"row of {self.manifest.labels.name}{more}"
            )
        return np.asarray(probabilities[0], np.float32)


class Pack(LabelledModel):
    """A classifier of the members of some taxa, such as birds. Its `taxa` and `gate` decide when to use it."""

    @property
    def taxa(self) -> tuple[str, ...]:
        """Return the scientific names of the taxa whose members the pack distinguishes."""
        return self.manifest.taxa

    @property
    def gate(self) -> float:
        """Return the probability that the general model must give `taxa` for the pack to score a photo."""
        return self.manifest.gate

    def score(self, square: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the probability of each of `animals`, provided that the photo shows a member of the pack's taxa.

        `square`: shape (S, S, 3), uint8, RGB: the image of the general model, so that the photo is decoded only once.
        The result has shape (animals,), float32, is calibrated and adds up to 1; subspecies count for their species.
        Raises `ModelError`.
        """
        probabilities = self.run(INPUT, resized(square, self.manifest)[np.newaxis])
        return np.bincount(self.labels.animal_of, probabilities, len(self.animals)).astype(np.float32)


def resized(square: NDArray[np.uint8], manifest: Manifest) -> NDArray[np.uint8]:
    """Return a pack's input, shape (size, size, 3), from the image of the general model.

    That image shows only a part of the photo's short side (260/292 for EfficientNet-Lite2). A pack sees the same.
    """
    side = len(square) * min(manifest.crop / crop_share(len(square)), 1.0)
    start = (len(square) - side) / 2
    box = (start, start, start + side, start + side)
    resampling = Image.Resampling[manifest.resampling.upper()]
    return np.asarray(Image.fromarray(square).resize((manifest.size, manifest.size), resampling, box))


def id_of(taxon: str) -> int:
    """Return the id of an animal that has none in this release, computed from its taxon id."""
    return FIRST + crc32(taxon.encode()) % FIRST


@dataclass(frozen=True)
class Outside:
    """Packs and heads that are not part of the release. Thread-safe.

    `folder`: their folder, or None. `relatives`: the species with a range that no model of the release knows.
    """

    folder: Path | None
    relatives: Relatives

    @cached_property
    def manifests(self) -> tuple[Manifest, ...]:
        """Return the manifests of the folder. Raises `ModelError` if it has none, or one is malformed."""
        found = tuple(read_manifests(self.folder)) if self.folder else ()
        if self.folder and not found:
            expected = "expected NAME.toml, NAME.csv and NAME.onnx"
            raise ModelError(f"no pack is built and enabled in {self.folder} (PACKS_PATH or --pack); {expected}")
        return found

    def at(self, features: Features, packs: Sequence[LabelledModel]) -> Features:
        """Return a place's features, with the animals of these packs that have no id in this release added."""
        if features.mode != "narrowed" or not packs:
            return features
        found, living = features.found, frozenset(features.found.relatives.tolist())
        wild = {each.id for pack in packs for each in pack.animals if each.id >= FIRST and KINDS[each.kind] is None}
        here = np.array(sorted(each for each in wild if self._numbers.get(each) in living), np.int32)
        strange = np.array(sorted(each for each in wild if each not in self._numbers), np.int32)
        found = found._replace(
            animals=np.concatenate([found.animals, here]),
            weights=np.concatenate([found.weights, np.ones(len(here), np.float32)]),
            status=np.concatenate([found.status, np.full(len(here), NATIVE, np.uint8)]),
            unknown=np.concatenate([found.unknown, strange]),
        )
        return replace(features, found=found)

    @cached_property
    def _numbers(self) -> Mapping[int, int]:
        """Return the numbers of all relatives by the ids that `id_of` computes for them."""
        found = ((number, self.relatives.unknown([number], frozenset())) for number in self.relatives.numbers)
        return {id_of(each.taxon): number for number, those in found for each in those}
