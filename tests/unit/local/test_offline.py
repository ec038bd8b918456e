"""The files for use without signal: in parts, which together are the file, and without what an earlier version left."""

import gzip
import json
from hashlib import sha256
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest

from chalicelib.api.page import OFFLINE_LIST
from chalicelib.config.settings import ROOT
from local import offline


def test_parts_joined_and_decompressed_are_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN parts of 50 bytes, and a file that does not get smaller
    monkeypatch.setattr(offline, "OFFLINE_PART_BYTES", 50)
    files = {"a.onnx": b"".join(sha256(bytes([each])).digest() for each in range(9)), "b.json": b"{}"}
    # WHEN they are written THEN the list is what was said, and its parts are the files
    offer = offline.write(files, tmp_path)
    assert json.loads((tmp_path / OFFLINE_LIST).read_text(encoding="utf-8")) == offer
    for listed in offer["files"]:
        pieces = [(tmp_path / part).read_bytes() for part in listed["parts"]]
        assert max(map(len, pieces)) <= 50
        data = gzip.decompress(b"".join(pieces))
        assert (data, len(data)) == (files[listed["name"]], listed["bytes"])
        assert sha256(data).hexdigest() == listed["sha256"]
    assert offer["bytes"] == 290
    # AND nothing else is there
    assert len([*tmp_path.iterdir()]) == 1 + sum(len(listed["parts"]) for listed in offer["files"])


def test_another_file_is_another_version_and_leaves_no_old_part(tmp_path: Path) -> None:
    first = offline.write({"a.onnx": b"1"}, tmp_path)
    assert offline.write({"a.onnx": b"1"}, tmp_path)["version"] == first["version"]
    second = offline.write({"a.onnx": b"2"}, tmp_path)
    assert second["version"] != first["version"]
    assert {path.name for path in tmp_path.iterdir()} == {OFFLINE_LIST, *second["files"][0]["parts"]}


def test_the_general_model_gives_the_same_numbers_without_its_casts() -> None:
    path = ROOT / "model" / "faunalens.onnx"
    data = offline.without_casts(path)
    assert "Cast" not in {node.op_type for node in onnx.load_from_string(data).graph.node}
    image = np.random.default_rng(4).integers(0, 256, (1, 260, 260, 3), np.uint8)
    inputs = {"image": image, "prior": np.ones((1, 398), np.float32)}
    outputs = [onnxruntime.InferenceSession(each).run(None, inputs) for each in (path, data)]
    assert all(map(np.array_equal, *outputs))
