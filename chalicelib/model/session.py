"""The ONNX model: one session, its inputs and its outputs. docs/how-to/model.md states the contract it must fit."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from chalicelib.errors import ModelError

if TYPE_CHECKING:
    import onnxruntime

INPUTS = {"image": "tensor(uint8)", "prior": "tensor(float)"}
OUTPUTS = {
    "probabilities": "tensor(float)",
    "vision_probabilities": "tensor(float)",
    "animal_probability": "tensor(float)",
}
SPINNING = {"session.force_spinning_stop": "1", "session.intra_op.spin_duration_us": "2000"}
"""Threads spin between operators (0.75 of the time with two), but not on after the answer, when others need them, and
not for long: by default they would spin through all of the loading, often on the processor that loads. docs/how-to/model.md
has the figures (`python -m benchmarks.threads`)."""


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """What the model makes of one photo.

    `probabilities`: shape (animals,), float32, calibrated, with the prior. `vision`: the same without the prior.
    `animal_probability`: that the photo shows an animal at all.
    """

    probabilities: NDArray[np.float32]
    vision: NDArray[np.float32]
    animal_probability: float


class Model:
    """A model that fits the contract, ready to score. Safe for threads: a session may run in several at once.

    `input_size`: side of the image in pixels. `animals`: length of prior and probabilities. `name`: from the file's
    metadata, else the file's name.

    Parameters: path, of the .onnx file; threads, of one inference, 0 for one a processor.
    Raises `ModelError` that names what does not fit.
    """

    def __init__(self, path: Path, threads: int = 0) -> None:
        self._path = path
        self._session = _session(path, threads)
        self.input_size, self.animals = contract_of(self._session, path.name)
        metadata = self._session.get_modelmeta().custom_metadata_map
        self.name = str(metadata.get("name") or path.stem)

    @cached_property
    def version(self) -> str:
        """The first 12 digits of the file's SHA-256; 10 ms when first asked for, which no start has to wait for."""
        from hashlib import file_digest

        with self._path.open("rb") as file:
            return file_digest(file, "sha256").hexdigest()[:12]

    def score(self, pixels: NDArray[np.uint8], prior: NDArray[np.float32]) -> Scores:
        """Probabilities of all animals for one photo.

        Parameters: pixels, shape (input_size, input_size, 3), uint8, RGB; prior, shape (animals,), float32: weight of
        each animal, 1 where nothing speaks against it.
        Raises `ValueError` if a shape or type is another, `ModelError` if the model fails or gives what it did not
        declare, as only a run can show.
        """
        size = self.input_size
        if pixels.dtype != np.uint8 or pixels.shape != (size, size, 3):
            raise ValueError(f"pixels are {pixels.dtype} {pixels.shape}, expected uint8 ({size}, {size}, 3)")
        if prior.dtype != np.float32 or prior.shape != (self.animals,):
            raise ValueError(f"the prior is {prior.dtype} {prior.shape}, expected float32 ({self.animals},)")
        feed = {"image": pixels[np.newaxis], "prior": prior[np.newaxis]}
        try:
            probabilities, vision, animal = self._session.run(list(OUTPUTS), feed)
        except Exception as error:  # onnxruntime's own have no common parent
            raise ModelError(f"{self._path.name} fails when it is run: {_first_line(error)}") from error
        if not probabilities.shape == vision.shape == (1, self.animals) or animal.shape != (1,):
            found = f"{probabilities.shape}, {vision.shape} and {animal.shape}"
            raise ModelError(
                f"{self._path.name} gives {', '.join(OUTPUTS)} of shapes {found} for one photo, expected "
                f"(1, {self.animals}) twice and (1,)"
            )
        return Scores(probabilities[0], vision[0], float(animal[0]))


def _session(path: Path, threads: int) -> "onnxruntime.InferenceSession":
    try:
        path.open("rb").close()
    except OSError as error:
        raise ModelError(f"the model {path.name} cannot be read ({error.strerror}); run `make setup`") from error

    import onnxruntime  # the longest import of all; whoever builds parts can do it beside others

    options = onnxruntime.SessionOptions()
    # The defaults are the fastest measured, on one processor and on two: all optimisations (the last level lays the
    # network out channels-last: 0.77 of the time) and the arena (none saves 4 MB and no time). A file that is optimised
    # beforehand loads 12 ms sooner, but ties the model to one release of onnxruntime; docs/how-to/model.md has the figures.
    options.intra_op_num_threads = threads
    for key, value in SPINNING.items():
        options.add_session_config_entry(key, value)
    try:
        return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise ModelError(f"{path.name} is no model that onnxruntime can load: {_first_line(error)}") from error


def contract_of(session: "onnxruntime.InferenceSession", name: str) -> tuple[int, int]:
    """Input size and number of animals of a session; raises `ModelError` for the first thing that does not fit."""
    inputs, outputs = session.get_inputs(), session.get_outputs()
    shapes = _shapes("input", inputs, INPUTS, name) | _shapes("output", outputs, OUTPUTS, name)
    image, prior = shapes["image"], shapes["prior"]
    if len(image) != 4 or not isinstance(image[1], int) or image[1] != image[2] or image[3] != 3:
        raise ModelError(f"input image of {name} has shape {image}, expected N × S × S × 3 with a fixed S")
    animals = prior[-1] if prior else None
    if len(prior) != 2 or not isinstance(animals, int):
        raise ModelError(f"input prior of {name} has shape {prior}, expected N × A with a fixed number of animals A")
    for output, shape in shapes.items():
        if output in ("probabilities", "vision_probabilities") and (len(shape) != 2 or shape[1] != animals):
            raise ModelError(f"output {output} of {name} has shape {shape}, expected N × {animals} as the prior")
    if len(shapes["animal_probability"]) != 1:
        its_shape = shapes["animal_probability"]
        raise ModelError(f"output animal_probability of {name} has shape {its_shape}, expected N: one figure a photo")
    for tensor, shape in shapes.items():
        if isinstance(shape[0], int) and shape[0] != 1:
            raise ModelError(f"{tensor} of {name} has shape {shape}, expected any number of photos N, or 1")
    return image[1], animals


def _shapes(kind: str, found: Sequence[Any], expected: dict[str, str], name: str) -> dict[str, list[int | str | None]]:
    """Shapes by name, once names and types are as expected."""
    types = {each.name: each.type for each in found}
    if types.keys() != expected.keys():
        raise ModelError(f"{name} has the {kind}s {_listed(types)}; expected {_listed(expected)}")
    for each, its_type in types.items():
        if its_type != expected[each]:
            raise ModelError(f"{kind} {each} of {name} is {its_type}, expected {expected[each]}")
    return {each.name: list(each.shape) for each in found}


def _listed(names: dict[str, str]) -> str:
    return ", ".join(sorted(names)) or "none"


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
