"""The ONNX model: load it, check it against the contract in docs/how-to/model.md, and run it."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

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
FEATURES = "features"
"""Name of an optional output: what the model sees before it decides which animal it is. Heads need it."""
ACTIVATION_MAP = "activation_map"
"""Name of an optional output: where in the image the likeliest animal is. A second look needs it if there is no box."""
OPTIONAL = {FEATURES: "N × any number", ACTIVATION_MAP: "N × rows × columns"}
SPINNING = {"session.force_spinning_stop": "1", "session.intra_op.spin_duration_us": "2000"}
"""Options for idle inference threads. Between operators these threads spin, which saves a quarter of the inference time
with two threads. They stop spinning after each inference, because other threads then need the processors, and after
2 ms. By default they would also spin while the model is loading, often on the processor that loads the model.
docs/explanation/cold-start.md has the measurements."""
_LOCATION = b"\n\x08location\x12"  # in ONNX, it precedes a byte with the length of the name of a file with weights
REMEDY = "set MODEL_PATH to an .onnx file, or run `make setup` for the default model"


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """The model's output for one photo.

    `probabilities`: shape (animals,), float32, calibrated, with the prior. `vision`: the same without the prior;
    `Naming` weighs these by the place. `animal_probability`: probability that the photo shows any animal. `features`:
    what heads score, shape (features,), float32. `activation_map`: where the likeliest animal is, shape (rows,
    columns), float32. The last two are None if the model does not give them, and for several photos together.
    """

    probabilities: NDArray[np.float32]
    vision: NDArray[np.float32]
    animal_probability: float
    features: NDArray[np.float32] | None = field(default=None, kw_only=True)
    activation_map: NDArray[np.float32] | None = field(default=None, kw_only=True)


class Versioned(Protocol):
    """A model, as answers identify it: by name and version."""

    @property
    def name(self) -> str:
        """Return the name of the model."""

    @property
    def version(self) -> str:
        """Return the version of its weights."""


class Model:
    """A loaded model that meets the contract in docs/how-to/model.md. Thread-safe: threads can share one session.

    `path`: the .onnx file. `input_size`: side of the image in pixels. `animals`: length of prior and probabilities.
    `name`: the name in the file's metadata, or the file name if the metadata has none.

    `threads`: number of threads per inference, or 0 for one per processor.
    Raises `ModelError`, which says what breaks the contract.
    """

    def __init__(self, path: Path, threads: int = 0) -> None:
        self.path = path
        self._session = load_session(path, threads, REMEDY)
        self.input_size, self.animals = check_contract(self._session, path.name)
        given = {each.name for each in self._session.get_outputs()}
        self._optional = [each for each in OPTIONAL if each in given]
        self.name = str(self._session.get_modelmeta().custom_metadata_map.get("name") or path.stem)
        self._wide_session: onnxruntime.InferenceSession | None = None
        self._is_alone: Callable[[], bool] = lambda: False

    def use_all_processors_when(self, is_alone: Callable[[], bool]) -> None:
        """Load a second session with one thread per processor, and use it while `is_alone()` returns True.

        The second session scores a single photo faster. For several photos at once, one thread per photo is fastest.
        The second session takes another 20 MB of memory, and its loading takes as long as that of the first session.
        """
        self._wide_session, self._is_alone = load_session(self.path, 0, REMEDY), is_alone

    @cached_property
    def version(self) -> str:
        """Return `version_of` the model. Computed at first use, because that takes 10 ms."""
        return version_of(self.path)

    def score(self, pixels: NDArray[np.uint8], prior: NDArray[np.float32]) -> Scores:
        """Return the probabilities of all animals for one photo.

        `pixels`: shape (input_size, input_size, 3), uint8, RGB. `prior`: shape (animals,), float32, the weight of each
        animal, at most 1.
        Raises `ValueError` for other shapes or types, and `ModelError` if inference fails or its outputs do not have
        the declared shapes.
        """
        size = self.input_size
        if pixels.dtype != np.uint8 or pixels.shape != (size, size, 3):
            raise ValueError(f"pixels are {pixels.dtype} {pixels.shape}, expected uint8 ({size}, {size}, 3)")
        if prior.dtype != np.float32 or prior.shape != (self.animals,):
            raise ValueError(f"prior is {prior.dtype} {prior.shape}, expected float32 ({self.animals},)")
        feed = {"image": pixels[np.newaxis], "prior": prior[np.newaxis]}
        session = self._wide_session if self._wide_session and self._is_alone() else self._session
        try:
            probabilities, vision, animal, *others = session.run([*OUTPUTS, *self._optional], feed)
        except Exception as error:  # onnxruntime's errors have no common base class
            raise ModelError(f"inference with {self.path.name} failed: {first_line(error)}") from error
        if not probabilities.shape == vision.shape == (1, self.animals) or animal.shape != (1,):
            found = f"{probabilities.shape}, {vision.shape} and {animal.shape}"
            raise ModelError(
                f"the outputs {', '.join(OUTPUTS)} of {self.path.name} have shapes {found} for one photo, expected "
                f"(1, {self.animals}) twice and (1,)"
            )
        optional = {name: values[0] for name, values in zip(self._optional, others, strict=True)}
        return Scores(probabilities[0], vision[0], float(animal[0]), **optional)


def external_data(path: Path) -> list[Path]:
    """Return the files beside a model that have its weights, which it names. Exporters call them as they like."""
    names = set[bytes]()
    if not path.stat().st_size:  # it cannot be mapped
        return []
    with path.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as model:  # it may exceed the memory
        start = model.find(_LOCATION)
        while start >= 0:
            start += len(_LOCATION)
            names.add(model[start + 1 : start + 1 + model[start]])
            start = model.find(_LOCATION, start)
    files = (path.parent / name.decode(errors="replace") for name in sorted(names))
    return [each for each in files if each.is_file()]


def version_of(path: Path) -> str:
    """Return the version of a model: the first 12 hex digits of the SHA-256 of its file, and of its external data."""
    from hashlib import file_digest, sha256

    digests = []
    for each in (path, *external_data(path)):  # a model that was trained again may differ in its external data alone
        with each.open("rb") as file:
            digests.append(file_digest(file, "sha256"))
    one = digests[0] if len(digests) == 1 else sha256(b"".join(each.digest() for each in digests))
    return one.hexdigest()[:12]


def load_session(path: Path, threads: int, remedy: str) -> "onnxruntime.InferenceSession":
    """Load a model with the options of this app. Raises `ModelError`. `remedy`: what its message advises."""
    try:
        path.open("rb").close()
    except OSError as error:
        raise ModelError(f"the model {path} cannot be read ({error.strerror}); {remedy}") from error

    import onnxruntime  # imported here because it is the slowest import

    options = onnxruntime.SessionOptions()
    # All other options have their defaults, which are the fastest on one and on two processors: all optimisations
    # (the highest level saves 23 % with a channels-last layout) and the memory arena (4 MB). A file optimised in
    # advance would load 12 ms faster, but works with only one release of onnxruntime. docs/explanation/cold-start.md
    # has the measurements.
    options.intra_op_num_threads = threads
    for key, value in SPINNING.items():
        options.add_session_config_entry(key, value)
    try:
        return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise ModelError(f"onnxruntime cannot load the model {path.name}: {first_line(error)}; {remedy}") from error


def check_contract(session: "onnxruntime.InferenceSession", name: str) -> tuple[int, int]:
    """Return the input size and the number of animals of a model. Raises `ModelError` if it breaks the contract."""
    inputs, outputs = session.get_inputs(), session.get_outputs()
    shapes = _shapes("input", inputs, INPUTS, name) | _shapes("output", outputs, OUTPUTS, name, OPTIONAL)
    image, prior = shapes["image"], shapes["prior"]
    if len(image) != 4 or not isinstance(image[1], int) or image[1] != image[2] or image[3] != 3:
        raise ModelError(f"input image of {name} has shape {image}, expected N × S × S × 3 with a fixed S")
    animals = prior[-1] if prior else None
    if len(prior) != 2 or not isinstance(animals, int):
        raise ModelError(f"input prior of {name} has shape {prior}, expected N × A with a fixed number of animals A")
    for output, shape in shapes.items():
        if output in ("probabilities", "vision_probabilities") and (len(shape) != 2 or shape[1] != animals):
            raise ModelError(f"output {output} of {name} has shape {shape}, expected N × {animals}, like the prior")
    if len(shapes["animal_probability"]) != 1:
        its_shape = shapes["animal_probability"]
        raise ModelError(f"output animal_probability of {name} has shape {its_shape}, expected N, one value per photo")
    for output, expected in OPTIONAL.items():
        if output in shapes and len(shapes[output]) != expected.count("×") + 1:
            raise ModelError(f"output {output} of {name} has shape {shapes[output]}, expected {expected}")
    for tensor, shape in shapes.items():
        if isinstance(shape[0], int) and shape[0] != 1:
            raise ModelError(f"{tensor} of {name} has shape {shape}, expected a variable batch size or 1")
    return image[1], animals


def _shapes(
    kind: str, found: Sequence[Any], expected: dict[str, str], name: str, optional: Iterable[str] = ()
) -> dict[str, list[int | str | None]]:
    """Check the names and types of the inputs or outputs, and return their shapes. `optional`: floats, by name."""
    types = {each.name: each.type for each in found}
    expected = expected | {each: "tensor(float)" for each in optional if each in types}
    if types.keys() != expected.keys():
        raise ModelError(f"{name} has the {kind}s {_listed(types)}; expected {_listed(expected)}")
    for each, its_type in types.items():
        if its_type != expected[each]:
            raise ModelError(f"{kind} {each} of {name} is {its_type}, expected {expected[each]}")
    return {each.name: list(each.shape) for each in found}


def _listed(names: dict[str, str]) -> str:
    return ", ".join(sorted(names)) or "none"


def first_line(error: Exception) -> str:
    """Return the first line of an error of onnxruntime; the others are a trace of its sources."""
    return str(error).partition("\n")[0]
