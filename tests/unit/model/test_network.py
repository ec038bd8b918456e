"""The network: folding and padding as plain loops have it, and weights that are read unchanged or refused."""

import io
import pickle
import struct
import zipfile
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import helper
from onnx.reference import ReferenceEvaluator

from chalicelib.errors import ModelError
from model import network
from model.network import EPSILON, SHA256, ChannelStatistics, Convolution, fold

ZERO = np.zeros(1, np.float32)


def convolved(image: NDArray[Any], weight: NDArray[Any], bias: NDArray[Any], **attributes: Any) -> NDArray[np.float32]:
    """Return a convolution as ONNX defines it: image (in, H, W), weight (out, in / groups, k, k)."""
    node = ReferenceEvaluator(helper.make_node("Conv", ["x", "w", "b"], ["y"], **attributes))
    found = cast("list[Any]", node.run(None, {"x": image[np.newaxis], "w": weight, "b": bias}))
    result: NDArray[np.float32] = found[0][0]
    return result


@pytest.mark.parametrize("size", [9, 10])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize(("kernel", "groups"), [(1, 1), (3, 4), (5, 1)])
def test_a_folded_layer_is_convolution_and_normalisation(size: int, stride: int, kernel: int, groups: int) -> None:
    # GIVEN random weights and batch normalisation
    random = np.random.default_rng(size * 100 + stride * 10 + kernel)
    image = random.normal(size=(4, size, size)).astype(np.float32)
    weight = random.normal(size=(8, 4 // groups, kernel, kernel)).astype(np.float32)
    gamma, beta, mean = random.normal(size=(3, 8)).astype(np.float32)
    variance = random.uniform(0.001, 2, 8).astype(np.float32)
    # WHEN both are folded into one convolution, with padding of its own
    layer = Convolution(
        "layer", *fold(weight, gamma, beta, mean, variance), ChannelStatistics(beta, gamma), stride, groups
    )
    pads = [*layer.padding(size)] * 2
    moves = {"strides": [stride] * 2, "group": groups}
    found = convolved(image, layer.weight, layer.bias, pads=[pads[0], pads[0], pads[1], pads[1]], **moves)
    # THEN it gives what TensorFlow's SAME convolution gives, normalised
    plain = convolved(image, weight, np.zeros(8, np.float32), auto_pad="SAME_UPPER", **moves)
    scale = (gamma / np.sqrt(variance + EPSILON))[:, None, None]
    assert np.allclose(found, (plain - mean[:, None, None]) * scale + beta[:, None, None], atol=1e-3)


MAGIC = 0x1950A86A20F9469CFC6C
SYSTEM = {"protocol_version": 1001, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}
FLOATS = np.arange(12, dtype=np.float32)


def pickled(value: Any) -> bytes:
    """Return the opcodes that make a value, without the one that ends a pickle."""
    return pickle.dumps(value, 0)[:-1]


def tensor(offset: int, shape: tuple[int, ...], strides: tuple[int, ...], kind: str = "Float", key: str = "1") -> bytes:
    """Return the opcodes of a tensor as PyTorch writes it: a view of a storage, which is a persistent id."""
    storage = pickled("storage") + f"ctorch\n{kind}Storage\n".encode() + pickled(key) + pickled("cpu") + pickled(12)
    view = b"(" + storage + b"NtQ" + pickled(offset) + pickled(shape) + pickled(strides)
    return b"ctorch._utils\n_rebuild_tensor_v2\n(" + view + b"I00\nccollections\nOrderedDict\n)RtR"


def ordered(**values: bytes) -> bytes:
    """Return the opcodes of an `OrderedDict`."""
    return b"ccollections\nOrderedDict\n)R(" + b"".join(pickled(key) + each for key, each in values.items()) + b"u"


def legacy(tensors: bytes, **storages: NDArray[Any]) -> io.BytesIO:
    """Return a `.pth` file as PyTorch wrote it until 2020. `storages`: by `s` and their key."""
    keys = pickled([name[1:] for name in storages])
    head = b"".join(part + b"." for part in (pickled(MAGIC), pickled(1001), pickled(SYSTEM), tensors, keys))
    return io.BytesIO(head + b"".join(struct.pack("<q", each.size) + each.tobytes() for each in storages.values()))


def checkpoint(folder: Path, model: bytes) -> Path:
    """Write a checkpoint as PyTorch does since 2020."""
    with zipfile.ZipFile(folder / "it.pth", "w") as archive:
        archive.writestr("archive/data.pkl", ordered(start_epoch=pickled(105), model=model) + b".")
        archive.writestr("archive/data/1", FLOATS.tobytes())
    return folder / "it.pth"


def test_tensors_come_out_as_they_went_in(tmp_path: Path) -> None:
    # GIVEN two views of one storage, one of them transposed, and a counter in another
    transposed = tensor(0, (3, 4), (1, 3))
    tensors = ordered(straight=tensor(2, (2, 3), (3, 1)), transposed=transposed, counter=tensor(0, (), (), "Long", "2"))
    # WHEN they are read
    read = network.read_tensors(legacy(tensors, s1=FLOATS, s2=np.array([7])))
    # THEN shapes, order and types are as PyTorch meant them, each array on its own
    assert np.array_equal(read["straight"], FLOATS[2:8].reshape(2, 3))
    assert np.array_equal(read["transposed"], FLOATS.reshape(4, 3).T)
    assert read["transposed"].flags.c_contiguous
    assert read["counter"] == 7
    assert [each.dtype for each in read.values()] == [np.float32, np.float32, np.int64]
    # AND so they are in a checkpoint
    again = network.read_checkpoint(checkpoint(tmp_path, ordered(transposed=transposed)))
    assert np.array_equal(again["transposed"], read["transposed"])


@pytest.mark.parametrize(
    ("offset", "shape", "strides"), [(0, (13,), (1,)), (7, (2, 3), (3, 1)), (-1, (2,), (1,)), (0, (2,), (-1,))]
)
def test_a_tensor_outside_its_storage_is_refused(offset: int, shape: tuple[int, ...], strides: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"offset must be non-negative|strides is incompatible with shape"):
        network.read_tensors(legacy(ordered(it=tensor(offset, shape, strides)), s1=FLOATS))


def test_a_pickle_that_runs_code_is_refused_unrun(tmp_path: Path) -> None:
    # GIVEN files that hide a command among the tensors WHEN read THEN the error names it, and it has not run
    marker = tmp_path / "ran"
    evil = b"cos\nsystem\n(" + pickled(f"touch {marker}") + b"tR"
    with pytest.raises(pickle.UnpicklingError, match=r"uses os\.system; only tensors are allowed"):
        network.read_tensors(legacy(ordered(it=evil)))
    with pytest.raises(ModelError, match="only tensors are allowed"):
        network.read_checkpoint(checkpoint(tmp_path, evil))
    assert not marker.exists()


def test_what_is_no_checkpoint_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "it.pth"
    path.write_bytes(b"no zip")
    with pytest.raises(ModelError, match=r"it\.pth is not a PyTorch checkpoint with a 'model': File is not a zip file"):
        network.read_checkpoint(path)
    with pytest.raises(ModelError, match="is not a PyTorch checkpoint"):
        network.read_checkpoint(checkpoint(tmp_path, pickled(None)))


@pytest.mark.parametrize(("cut", "error"), [(3, ValueError), (20, ValueError), (52, struct.error)])
def test_a_truncated_file_is_refused(cut: int, error: type[Exception]) -> None:
    # GIVEN a file that ends within its storages
    data = legacy(ordered(it=tensor(0, (12,), (1,))), s1=FLOATS).getvalue()
    with pytest.raises(error, match="buffer"):
        network.read_tensors(io.BytesIO(data[:-cut]))


def test_other_weights_are_refused_and_missing_ones_wanted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN a file that is not the one that was checked; THEN it is named before it is unpickled
    path = tmp_path / "other.pth"
    path.write_bytes(b"other")
    with pytest.raises(ModelError, match=f"other.pth has SHA-256 .*, expected {SHA256}; reinstall"):
        network.read_weights(path)
    # AND missing weights say how to get them
    monkeypatch.setattr(network, "PACKAGE", "no-such-package")
    with pytest.raises(ModelError, match="run `make setup`"):
        network.locate_weights()
