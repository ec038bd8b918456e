"""The network: folding and padding as plain loops have it, and weights that are read unchanged or refused."""

import io
import os
import pickle
import struct
import sys
import zipfile
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import onnxruntime
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from chalicelib.errors import ModelError
from model import network
from model.network import (
    EPSILON,
    SHA256,
    ChannelStatistics,
    Convolution,
    TensorUnpickler,
    fold,
    locate_weights,
    read_checkpoint,
    read_tensors,
    read_weights,
)

ZERO = np.zeros(1, np.float32)


def same_convolution(image: NDArray[Any], weight: NDArray[Any], stride: int, groups: int = 1) -> NDArray[np.float64]:
    """Return TensorFlow's SAME convolution by its definition: image (in, H, W), weight (out, in / groups, k, k)."""
    kernel, (channels, height, width) = weight.shape[2], image.shape
    rows, columns = -(-height // stride), -(-width // stride)
    top = max((rows - 1) * stride + kernel - height, 0) // 2
    left = max((columns - 1) * stride + kernel - width, 0) // 2
    padded = np.zeros((channels, height + 2 * kernel, width + 2 * kernel))
    padded[:, top : top + height, left : left + width] = image
    result = np.zeros((len(weight), rows, columns))
    for output in range(len(weight)):
        first = output // (len(weight) // groups) * weight.shape[1]
        for row in range(rows):
            for column in range(columns):
                y, x = row * stride, column * stride
                window = padded[first : first + weight.shape[1], y : y + kernel, x : x + kernel]
                result[output, row, column] = (window * weight[output]).sum()
    return result


def run(layer: Convolution, image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Run the layer in onnxruntime, with its own padding."""
    before, after = layer.padding(image.shape[1])
    node = helper.make_node(
        "Conv",
        ["x", "w", "b"],
        ["y"],
        kernel_shape=[layer.kernel] * 2,
        strides=[layer.stride] * 2,
        pads=[before, before, after, after],
        group=layer.groups,
    )
    graph = helper.make_graph(
        [node],
        "layer",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, *image.shape])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(layer.weight, "w"), numpy_helper.from_array(layer.bias, "b")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    result: NDArray[np.float32] = session.run(None, {"x": image[np.newaxis]})[0][0]
    return result


@pytest.mark.parametrize("size", [9, 10])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("kernel", [1, 3, 5])
@pytest.mark.parametrize("groups", [1, 4])
def test_a_folded_convolution_is_convolution_and_normalisation(
    size: int, stride: int, kernel: int, groups: int
) -> None:
    # GIVEN random weights and batch normalisation
    random = np.random.default_rng(size * 100 + stride * 10 + kernel)
    image = random.normal(size=(4, size, size)).astype(np.float32)
    weight = random.normal(size=(8, 4 // groups, kernel, kernel)).astype(np.float32)
    gamma, beta, mean = random.normal(size=(3, 8)).astype(np.float32)
    variance = random.uniform(0.001, 2, 8).astype(np.float32)

    # WHEN both are folded into one convolution
    folded, bias = fold(weight, gamma, beta, mean, variance)
    found = run(Convolution("layer", folded, bias, ChannelStatistics(beta, gamma), stride, groups), image)

    # THEN it gives what doing one after the other gives
    plain = same_convolution(image, weight, stride, groups)
    scale = (gamma / np.sqrt(variance + EPSILON))[:, None, None]
    expected = (plain - mean[:, None, None]) * scale + beta[:, None, None]
    assert np.allclose(found, expected, atol=1e-3)


@given(size=st.integers(1, 300), stride=st.integers(1, 3), kernel=st.sampled_from([1, 3, 5]))
def test_padding_gives_one_output_a_stride(size: int, stride: int, kernel: int) -> None:
    # GIVEN any size; THEN there is an output for every stride begun, and never a whole zero too much
    weight = np.zeros((1, 1, kernel, kernel), np.float32)
    before, after = Convolution("layer", weight, ZERO, ChannelStatistics(ZERO, ZERO), stride).padding(size)
    assert (size + before + after - kernel) // stride + 1 == -(-size // stride)
    assert 0 <= after - before <= 1


MAGIC = 0x1950A86A20F9469CFC6C
SYSTEM = {"protocol_version": 1001, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}
FLOATS = np.arange(12, dtype=np.float32)


@dataclass
class Storage:
    """A storage that tensors are views of, as PyTorch pickles it: a persistent id."""

    key: str
    kind: type
    count: int


@dataclass
class Tensor:
    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def __reduce__(self) -> Any:
        rebuild = sys.modules["torch._utils"]._rebuild_tensor_v2
        return rebuild, (self.storage, self.offset, self.shape, self.strides, False, OrderedDict())


class Writer(pickle.Pickler):
    def persistent_id(self, obj: Any) -> Any:
        return ("storage", obj.kind, obj.key, "cpu", obj.count, None) if isinstance(obj, Storage) else None


class Torch:
    """A fake PyTorch for writing files: pickle has to find by name what it writes as a name."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        torch, utils = ModuleType("torch"), ModuleType("torch._utils")
        self.floats = type("FloatStorage", (), {"__module__": "torch"})
        self.longs = type("LongStorage", (), {"__module__": "torch"})

        def _rebuild_tensor_v2(*_: Any) -> None: ...

        _rebuild_tensor_v2.__module__, _rebuild_tensor_v2.__qualname__ = "torch._utils", "_rebuild_tensor_v2"
        torch.FloatStorage, torch.LongStorage = self.floats, self.longs  # type: ignore[attr-defined]
        utils._rebuild_tensor_v2 = _rebuild_tensor_v2  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "torch", torch)
        monkeypatch.setitem(sys.modules, "torch._utils", utils)

    def file(self, tensors: Any, storages: dict[str, NDArray[Any]]) -> bytes:
        buffer = io.BytesIO()
        for part in (MAGIC, 1001, SYSTEM, tensors, list(storages)):
            Writer(buffer, protocol=2).dump(part)
        for numbers in storages.values():
            buffer.write(struct.pack("<q", numbers.size) + numbers.tobytes())
        return buffer.getvalue()


@pytest.fixture
def torch(monkeypatch: pytest.MonkeyPatch) -> Torch:
    return Torch(monkeypatch)


def test_tensors_come_out_as_they_went_in(torch: Torch) -> None:
    # GIVEN two views of one storage, one of them transposed, and a counter in another
    floats, longs = Storage("1", torch.floats, 12), Storage("2", torch.longs, 1)
    tensors = OrderedDict(
        straight=Tensor(floats, 2, (2, 3), (3, 1)),
        transposed=Tensor(floats, 0, (3, 4), (1, 3)),
        counter=Tensor(longs, 0, (), ()),
    )
    data = torch.file(tensors, {"1": FLOATS, "2": np.array([7])})

    # WHEN they are read
    read = read_tensors(io.BytesIO(data))

    # THEN shapes, order and types are as PyTorch meant them, each array on its own
    assert np.array_equal(read["straight"], FLOATS[2:8].reshape(2, 3))
    assert np.array_equal(read["transposed"], FLOATS.reshape(4, 3).T)
    assert read["transposed"].flags.c_contiguous
    assert read["counter"] == 7
    assert [each.dtype for each in read.values()] == [np.float32, np.float32, np.int64]


@pytest.mark.parametrize(
    ("offset", "shape", "strides"),
    [(0, (13,), (1,)), (7, (2, 3), (3, 1)), (-1, (2,), (1,)), (0, (2,), (-1,))],
)
def test_a_tensor_that_reaches_outside_its_storage_is_refused(
    torch: Torch, offset: int, shape: tuple[int, ...], strides: tuple[int, ...]
) -> None:
    # GIVEN a tensor whose shape and strides reach outside the storage; THEN no memory is read there
    tensor = Tensor(Storage("1", torch.floats, 12), offset, shape, strides)
    data = torch.file(OrderedDict(it=tensor), {"1": FLOATS})
    with pytest.raises(ValueError, match=r"offset must be non-negative|strides is incompatible with shape"):
        read_tensors(io.BytesIO(data))


class Malicious:
    """Runs a command when it is unpickled by an ordinary unpickler."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> Any:
        return os.system, (f"touch {self.marker}",)


def test_a_pickle_that_runs_code_is_refused_unrun(torch: Torch, tmp_path: Path) -> None:
    # GIVEN a file that hides a command among the tensors
    marker = tmp_path / "ran"
    data = torch.file(OrderedDict(it=Malicious(marker)), {})

    # WHEN it is read; THEN the error names the command, which has not run
    with pytest.raises(pickle.UnpicklingError, match=r"uses \w+\.system; only tensors are allowed"):
        read_tensors(io.BytesIO(data))
    assert not marker.exists()


def checkpoint(folder: Path, model: Any) -> Path:
    """Write a checkpoint as PyTorch does since 2020."""
    pickled = io.BytesIO()
    Writer(pickled, 2).dump({"start_epoch": 105, "model": model})
    with zipfile.ZipFile(folder / "it.pth", "w") as archive:
        archive.writestr("archive/data.pkl", pickled.getvalue())
        archive.writestr("archive/data/1", FLOATS.tobytes())
    return folder / "it.pth"


def test_tensors_of_a_checkpoint_come_out_as_they_went_in(torch: Torch, tmp_path: Path) -> None:
    tensor = Tensor(Storage("1", torch.floats, 12), 0, (3, 4), (1, 3))
    read = read_checkpoint(checkpoint(tmp_path, OrderedDict(it=tensor)))
    np.testing.assert_array_equal(read["it"], FLOATS.reshape(4, 3).T)


def test_what_is_no_checkpoint_is_refused(tmp_path: Path) -> None:
    # GIVEN a file that is no zip file, one that runs code, and one without tensors
    path = tmp_path / "it.pth"
    path.write_bytes(b"no zip")
    with pytest.raises(ModelError, match=r"it\.pth is no checkpoint of PyTorch with a 'model': File is not a zip file"):
        read_checkpoint(path)
    marker = tmp_path / "marker"
    with pytest.raises(ModelError, match="only tensors are allowed"):
        read_checkpoint(checkpoint(tmp_path, Malicious(marker)))
    assert not marker.exists()
    with pytest.raises(ModelError, match="is no checkpoint"):
        read_checkpoint(checkpoint(tmp_path, None))


@pytest.mark.parametrize("name", ["builtins eval", "builtins getattr", "torch load", "collections deque"])
def test_only_four_names_are_allowed(name: str) -> None:
    module, name = name.split()
    with pytest.raises(pickle.UnpicklingError, match="only tensors are allowed"):
        TensorUnpickler(io.BytesIO(f"c{module}\n{name}\n.".encode())).load()


@pytest.mark.parametrize(("cut", "error"), [(3, ValueError), (20, ValueError), (52, struct.error)])
def test_a_truncated_file_is_refused(torch: Torch, cut: int, error: type[Exception]) -> None:
    # GIVEN a file that ends within its storages
    data = torch.file(OrderedDict(it=Tensor(Storage("1", torch.floats, 12), 0, (12,), (1,))), {"1": FLOATS})
    with pytest.raises(error, match="buffer"):
        read_tensors(io.BytesIO(data[:-cut]))


def test_a_file_of_another_sha256_is_refused(tmp_path: Path) -> None:
    # GIVEN a file that is not the one that was checked; THEN it is named before it is unpickled
    path = tmp_path / "other.pth"
    path.write_bytes(b"other")
    with pytest.raises(ModelError, match=f"other.pth has SHA-256 .*, expected {SHA256}; reinstall"):
        read_weights(path)


def test_missing_weights_say_how_to_get_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "PACKAGE", "no-such-package")
    with pytest.raises(ModelError, match="run `make setup`"):
        locate_weights()
