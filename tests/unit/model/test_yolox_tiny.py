"""YOLOX-tiny: the stem sees pixels as its Focus layer does, and int8 gives what fp32 gives."""

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from onnx import numpy_helper
from PIL import Image

from chalicelib.model.manifest import Manifest
from model import build_packs, calibrate
from model.calibrate import measure_detector
from model.detector_graph import convert
from model.quantize import ActivationRange
from model.yolox_tiny import build, silu_of

SIZE, WIDTH, CLASSES = 64, 4, 2
RANDOM = np.random.default_rng(7)
PHOTO = RANDOM.integers(0, 256, (SIZE, SIZE, 3)).astype(np.uint8)


def layer(name: str, inputs: int, outputs: int, kernel: int = 1) -> dict[str, NDArray[Any]]:
    """Return the weights of a convolution with its normalisation, as PyTorch names them."""
    scale = (2 / (inputs * kernel**2)) ** 0.5
    return {
        f"{name}.conv.weight": RANDOM.normal(0, scale, (outputs, inputs, kernel, kernel)).astype(np.float32),
        f"{name}.bn.weight": np.ones(outputs, np.float32),
        f"{name}.bn.bias": RANDOM.normal(0, 0.3, outputs).astype(np.float32),
        f"{name}.bn.running_mean": np.zeros(outputs, np.float32),
        f"{name}.bn.running_var": np.ones(outputs, np.float32),
    }


def stage(name: str, inputs: int, outputs: int, blocks: int = 1) -> dict[str, NDArray[Any]]:
    half, made = outputs // 2, dict[str, NDArray[Any]]()
    made |= layer(f"{name}.conv1", inputs, half) | layer(f"{name}.conv2", inputs, half)
    for block in range(blocks):
        made |= layer(f"{name}.m.{block}.conv1", half, half) | layer(f"{name}.m.{block}.conv2", half, half, 3)
    return made | layer(f"{name}.conv3", outputs, outputs)


def network() -> dict[str, NDArray[Any]]:
    """Return random weights of the whole network, a sixth as wide, and with two classes."""
    w, body, neck = WIDTH, "backbone.backbone", "backbone"
    made = layer(f"{body}.stem.conv", 12, w, 3)
    made[f"{body}.stem.conv.conv.weight"] /= 255
    for number, blocks in ((2, 1), (3, 3), (4, 3), (5, 1)):
        wide = w * 2 ** (number - 1)
        made |= layer(f"{body}.dark{number}.0", wide // 2, wide, 3)
        made |= stage(f"{body}.dark{number}.{2 if number == 5 else 1}", wide, wide, blocks)
    made |= layer(f"{body}.dark5.1.conv1", 16 * w, 8 * w) | layer(f"{body}.dark5.1.conv2", 32 * w, 16 * w)
    made |= layer(f"{neck}.lateral_conv0", 16 * w, 8 * w) | layer(f"{neck}.reduce_conv1", 8 * w, 4 * w)
    made |= stage(f"{neck}.C3_p4", 16 * w, 8 * w) | stage(f"{neck}.C3_p3", 8 * w, 4 * w)
    made |= layer(f"{neck}.bu_conv2", 4 * w, 4 * w, 3) | layer(f"{neck}.bu_conv1", 8 * w, 8 * w, 3)
    made |= stage(f"{neck}.C3_n3", 8 * w, 8 * w) | stage(f"{neck}.C3_n4", 16 * w, 16 * w)
    for level, wide in enumerate((4 * w, 8 * w, 16 * w)):
        made |= layer(f"head.stems.{level}", wide, 4 * w)
        for part, outputs in (("cls", CLASSES), ("reg", 4), ("obj", 1)):
            for number in (0, 1) if part != "obj" else ():
                made |= layer(f"head.{part}_convs.{level}.{number}", 4 * w, 4 * w, 3)
            made[f"head.{part}_preds.{level}.weight"] = RANDOM.normal(0, 0.4, (outputs, 4 * w, 1, 1)).astype(np.float32)
            made[f"head.{part}_preds.{level}.bias"] = np.zeros(outputs, np.float32)
    return made


def test_int8_gives_the_boxes_of_fp32() -> None:
    # GIVEN the network in fp32, and in int8 with the ranges of the same photo
    weights = network()
    plain, tensors = build(weights, SIZE, None)
    ranges = measure_detector(build(weights, SIZE, None)[0], tensors, [PHOTO])
    assert [*ranges] == tensors
    small = build(weights, SIZE, ranges)[0]
    assert small.ByteSize() < plain.ByteSize()
    # WHEN both are detectors of a pack, and see the photo
    found = []
    for each in (plain, small):
        session = onnxruntime.InferenceSession(convert(each, SIZE, {}).SerializeToString())
        found.append(session.run(["boxes", "scores"], {"image": PHOTO[np.newaxis]}))
    (boxes, scores), (small_boxes, small_scores) = found
    # THEN there is a box for each square of 8, 16 and 32 pixels, and a score for each class, about the same
    squares = 8 * 8 + 4 * 4 + 2 * 2
    assert (boxes.shape, scores.shape) == ((1, squares, 4), (1, squares, CLASSES))
    assert np.abs(boxes - small_boxes).mean() < 0.05 * np.abs(boxes).mean()
    assert np.corrcoef(scores.ravel(), small_scores.ravel())[0, 1] > 0.98
    # AND a range ends where SiLU is almost 0: values down to -140 would take most steps
    wide = build(weights, SIZE, dict.fromkeys(tensors, ActivationRange(-140, 6)))[0]
    scales = {each.name: numpy_helper.to_array(each) for each in wide.graph.initializer}
    assert scales[f"{tensors[0]}.scale"] == pytest.approx(14 / 255)


def test_the_stem_sees_four_pixels_of_each_square_in_rgb() -> None:
    # GIVEN a stem that only sees one channel of the Focus layer: the green of the pixel below on the left
    weights = network()
    stem = np.zeros((WIDTH, 12, 3, 3), np.float32)
    stem[0, 4, 1, 1] = 1
    weights["backbone.backbone.stem.conv.conv.weight"] = stem
    weights["backbone.backbone.stem.conv.bn.bias"] *= 0
    plain = build(weights, SIZE, None)[0]
    plain.graph.output.extend([type(plain.graph.output[0])(name="backbone.backbone.stem.conv.linear")])
    session = onnxruntime.InferenceSession(plain.SerializeToString())
    # WHEN it sees a photo, in BGR; THEN it has every second pixel of each second row
    image = PHOTO.transpose(2, 0, 1)[np.newaxis, ::-1].astype(np.float32)
    (linear,) = session.run(["backbone.backbone.stem.conv.linear"], {"images": image})
    np.testing.assert_allclose(linear[0, 0], PHOTO[1::2, ::2, 1] / np.sqrt(1.001), rtol=1e-5)


@given(st.floats(-100, 0), st.floats(0.01, 100), st.floats(0, 1))
def test_the_range_of_silu_holds_its_values(low: float, high: float, share: float) -> None:
    x = low + share * (high - low)
    found = silu_of(ActivationRange(low, high))
    assert found.low - 1e-6 <= x / (1 + np.exp(-x)) <= found.high + 1e-6


@pytest.fixture
def packs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with the manifest of the pack for camera traps, for the random network."""
    manifest = (build_packs.PACKS / "camera_traps.toml").read_text(encoding="utf-8")
    (tmp_path / "camera_traps.toml").write_text(manifest.replace("size = 320", f"size = {SIZE}"))
    monkeypatch.setattr(calibrate, "PACKS", tmp_path)
    for module in (calibrate, build_packs):
        monkeypatch.setattr(module, "read_checkpoint", lambda _: network())
        monkeypatch.setattr(module, "activations_of", lambda pack: tmp_path / f"{pack}_activations.csv")
    return tmp_path


def test_a_pack_is_built_from_a_checkpoint_and_ranges(packs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN a photo; WHEN ranges are measured
    (packs / "photos").mkdir()
    Image.fromarray(PHOTO).save(packs / "photos" / "one.png")
    assert calibrate.main(["--photos", str(packs / "photos"), "--pack", "camera_traps"]) == 0
    # THEN the pack is built with them, in int8, and its metadata name the source
    manifest = Manifest.read(packs / "camera_traps.toml")
    assert manifest.weights is not None
    session = onnxruntime.InferenceSession(build_packs.convert(manifest, manifest.weights, packs))
    assert [list(each.shape) for each in session.get_inputs()] == [[1, "H", "W", 3]]
    assert "drivendataorg/zamba" in session.get_modelmeta().custom_metadata_map["source"]

    # BUT a pack that names no weights has none
    text = (packs / "camera_traps.toml").read_text()
    (packs / "camera_traps.toml").write_text(text[: text.index("[weights]")] + text[text.index("[input]") :])
    assert calibrate.main(["--photos", str(packs), "--pack", "camera_traps"]) == 1
    assert "camera_traps.toml names no weights; expected a table [weights]" in capsys.readouterr().err
