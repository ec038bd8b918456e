"""Packs: models for some taxa each, which look at a photo after the general model. A pack loads on its first photo."""

from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from chalicelib.errors import ModelError
from chalicelib.model.pack_labels import PackLabels
from chalicelib.model.pack_manifest import CLASSIFIER, Manifest
from chalicelib.model.session import first_line, load_session, version_of
from chalicelib.model.taxonomy import Animal
from chalicelib.photo.pixels import crop_share

if TYPE_CHECKING:
    import onnxruntime

INPUT, OUTPUT = "image", "probabilities"
REMEDY = "run `make setup`, which builds the packs"


class Pack:
    """A classifier of the members of some taxa, such as birds. Thread-safe.

    Making one reads nothing but its manifest. The model is read at the first photo, and the labels at their first use.

    `manifest`: its `name`, `taxa` and `gate` decide when to use the pack. `threads`: number of threads per inference,
    or 0 for one per processor.
    """

    def __init__(self, manifest: Manifest, threads: int = 0) -> None:
        self.name, self.taxa, self.gate = manifest.name, manifest.taxa, manifest.gate
        self._manifest, self._threads = manifest, threads
        self._session: onnxruntime.InferenceSession | None = None
        self._lock = Lock()

    @property
    def is_loaded(self) -> bool:
        """Return whether the model is in memory."""
        return self._session is not None

    @property
    def animals(self) -> tuple[Animal, ...]:
        """Return the animals that the pack knows, in the order of its scores."""
        return self.labels.animals

    @cached_property
    def labels(self) -> PackLabels:
        """Return the labels of the outputs. Computed at first use, because that takes 10 ms. Raises `ModelError`."""
        return PackLabels.read(self._manifest.labels)

    @cached_property
    def version(self) -> str:
        """Return the first 12 hex digits of the file's SHA-256. Computed at first use, because that takes 5 ms."""
        return version_of(self._manifest.model)

    def score(self, square: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the probability of each of `animals`, provided that the photo shows a member of the pack's taxa.

        `square`: shape (S, S, 3), uint8, RGB: the image of the general model, so that the photo is decoded only once.
        The result has shape (animals,), float32, is calibrated and adds up to 1; subspecies count for their species.
        Raises `ModelError` if the pack cannot be loaded, or if inference fails.
        """
        session, labels = self._load(), self.labels
        pixels = resized(square, self._manifest)
        try:
            (probabilities,) = session.run([OUTPUT], {INPUT: pixels[np.newaxis]})
        except Exception as error:  # onnxruntime's errors have no common base class
            raise ModelError(f"inference with pack {self.name} failed: {first_line(error)}") from error
        if probabilities.shape != (1, len(labels.animal_of)):
            raise ModelError(
                f"pack {self.name} gives outputs of shape {probabilities.shape}; expected "
                f"(1, {len(labels.animal_of)}), one for each row of {self._manifest.labels.name}"
            )
        return np.bincount(labels.animal_of, probabilities[0], len(labels.animals)).astype(np.float32)

    def _load(self) -> "onnxruntime.InferenceSession":
        if self._session is None:
            with self._lock:  # photos that come at once wait for one session instead of loading one each
                if self._session is None:
                    self._session = load_session(self._manifest.model, self._threads, REMEDY)
        return self._session


def resized(square: NDArray[np.uint8], manifest: Manifest) -> NDArray[np.uint8]:
    """Return a pack's input, shape (size, size, 3), from the image of the general model.

    That image shows a part of the photo's short side only (260/292 for EfficientNet-Lite2). A pack gets no more.
    """
    side = len(square) * min(manifest.crop / crop_share(len(square)), 1.0)
    start = (len(square) - side) / 2
    box = (start, start, start + side, start + side)
    resampling = Image.Resampling[manifest.resampling.upper()]
    return np.asarray(Image.fromarray(square).resize((manifest.size, manifest.size), resampling, box))


def read_packs(folder: Path, threads: int = 0) -> tuple[Pack, ...]:
    """Return the classifiers in a folder of packs that are enabled and built. A folder that is missing has none.

    `folder`: `packs` in the folder of the general model. Raise `ModelError` if a manifest is malformed.
    """
    manifests = (Manifest.read(file) for file in sorted(folder.glob("*.toml")))
    return tuple(
        Pack(manifest, threads)
        for manifest in manifests
        if manifest.kind == CLASSIFIER and manifest.enabled and manifest.model.is_file()
    )
