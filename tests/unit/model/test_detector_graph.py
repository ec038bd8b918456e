"""YOLOX detectors: RGB pixels in, boxes in pixels and scores out; int8 gives what fp32 gives."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from chalicelib.errors import ModelError
from chalicelib.model.manifest import Manifest
from model import build_packs, calibrate
from model.calibrate import measure_detector
from model.detector_graph import STRIDES, convert, silu_of, squares_of, yolox_tiny
from model.quantize import ActivationRange

FOCUS = ((0, 0), (1, 0), (0, 1), (1, 1))
"""Row and column of the pixels that the first convolution sees as channels."""
SIZE = 64


def focused() -> onnx.ModelProto:
    """Return a network of three classes that begins and ends as YOLOX does: with slices, and filters of classes."""
    random = np.random.default_rng(1)
    nodes, constants = [], {"axes": np.array([2, 3]), "steps": np.array([2, 2]), "stop": np.array([9999, 9999])}
    for number, corner in enumerate(FOCUS):  # each with two slices, as PyTorch exports it
        constants[f"start{number}"] = np.array(corner)
        nodes.append(helper.make_node("Slice", ["images", "zero", "stop", "axes"], [f"all{number}"]))
        nodes.append(
            helper.make_node("Slice", [f"all{number}", f"start{number}", "stop", "axes", "steps"], [f"p{number}"])
        )
    nodes.append(helper.make_node("Concat", [f"p{number}" for number in range(4)], ["focus"], axis=1))
    constants["zero"] = np.array([0, 0])
    weights = {"stem": (4, 12, 3, 3), "deep": (8, 4, 3, 3), "head.cls_preds.0": (3, 8, 1, 1), "others": (5, 8, 1, 1)}
    floats = {f"{name}.weight": random.normal(0, 0.05, shape).astype(np.float32) for name, shape in weights.items()}
    floats |= {f"{name}.bias": random.normal(0, 0.05, shape[0]).astype(np.float32) for name, shape in weights.items()}

    def convolution(name: str, source: str, kernel: int, stride: int = 1) -> Any:
        parts = [source, f"{name}.weight", f"{name}.bias"]
        sides: dict[str, Any] = {"kernel_shape": [kernel] * 2, "strides": [stride] * 2, "pads": [kernel // 2] * 4}
        return helper.make_node("Conv", parts, [name], **sides)

    nodes += [convolution("stem", "focus", 3), convolution("deep", "stem", 3, stride=4)]
    flats = []
    for stride in STRIDES:
        pooled, size = f"pool{stride}", stride // 8
        nodes.append(helper.make_node("MaxPool", ["deep"], [pooled], kernel_shape=[size] * 2, strides=[size] * 2))
        for name in ("head.cls_preds.0", "others"):
            made = convolution(name, pooled, 1)
            made.output[0] = f"{name}{stride}"
            nodes.append(made)
        nodes.append(
            helper.make_node("Concat", [f"others{stride}", f"head.cls_preds.0{stride}"], [f"l{stride}"], axis=1)
        )
        nodes.append(helper.make_node("Reshape", [f"l{stride}", "shape"], [f"flat{stride}"]))
        flats.append(f"flat{stride}")
    constants["shape"] = np.array([1, 8, -1])
    nodes.append(helper.make_node("Concat", flats, ["all"], axis=2))
    nodes.append(helper.make_node("Transpose", ["all"], ["output"], perm=[0, 2, 1]))
    graph = helper.make_graph(
        nodes,
        "yolox",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, [1, 3, SIZE, SIZE])],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, [1, squares_of(SIZE), 8])],
        [numpy_helper.from_array(value, name) for name, value in (constants | floats).items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)], ir_version=7)


def test_boxes_are_in_pixels_and_scores_are_probabilities() -> None:
    # GIVEN a network as PyTorch exports it, and what it gives for a photo in BGR
    photo = np.random.default_rng(2).integers(0, 256, (1, SIZE, SIZE, 3), dtype=np.uint8)
    plain = onnxruntime.InferenceSession(focused().SerializeToString())
    (expected,) = plain.run(None, {"images": photo.transpose(0, 3, 1, 2)[:, ::-1].astype(np.float32)})
    # WHEN it is converted
    model = convert(focused(), SIZE, {})
    boxes, scores = onnxruntime.InferenceSession(model.SerializeToString()).run(["boxes", "scores"], {"image": photo})
    # THEN a box is centre x, centre y, width and height in pixels, by stride, row and column
    squares = [(x, y, stride) for stride in STRIDES for y in range(SIZE // stride) for x in range(SIZE // stride)]
    column, row, side = np.array(squares, float).T
    x, y, width, height = expected[0, :, :4].T
    found = np.stack([x + column, y + row, np.exp(width), np.exp(height)]) * side
    assert boxes.shape == (1, squares_of(SIZE), 4)
    np.testing.assert_allclose(boxes[0], found.T, rtol=1e-3, atol=1e-2)
    # AND a score is objectness × class
    np.testing.assert_allclose(scores, expected[..., 4:5] * expected[..., 5:], rtol=1e-3, atol=1e-3)
    # AND it has no slices of the image and no constant that nothing reads
    read = {name for each in model.graph.node for name in each.input}
    assert not [each for each in model.graph.node if each.op_type == "Slice" and "pack" not in each.name]
    assert {each.name for each in model.graph.initializer} <= read


def test_a_wide_photo_needs_no_square() -> None:
    # GIVEN a photo half as high as wide WHEN a detector sees it, and in a square with grey below
    photo = np.random.default_rng(3).integers(0, 256, (1, SIZE // 2, SIZE, 3), dtype=np.uint8)
    square = np.full((1, SIZE, SIZE, 3), 114, np.uint8)
    square[:, : SIZE // 2] = photo
    session = onnxruntime.InferenceSession(convert(focused(), SIZE, {}).SerializeToString())
    boxes, scores = session.run(["boxes", "scores"], {"image": photo})
    all_boxes, all_scores = session.run(["boxes", "scores"], {"image": square})
    # THEN the squares of its upper rows, far from the grey, have the same boxes and scores
    assert boxes.shape == (1, squares_of(SIZE) // 2, 4)
    np.testing.assert_allclose(boxes[:, :16], all_boxes[:, :16], rtol=1e-4)
    np.testing.assert_allclose(scores[:, :16], all_scores[:, :16], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("size", "width", "message"),
    [
        (SIZE // 2, 8, r"has inputs \[\[1, 3, 64, 64\]\]; expected 1 × 3 × 32 × 32"),
        (SIZE, 5, r"has outputs \[\[1, 84, 5\]\]; expected 1 × 84 × \(5 \+ classes\)"),
    ],
)
def test_another_form_is_refused(size: int, width: int, message: str) -> None:
    network = focused()
    network.graph.output[0].type.tensor_type.shape.dim[2].dim_value = width
    with pytest.raises(ModelError, match=message):
        convert(network, size, {})


WIDTH, CLASSES = 4, 2
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
    plain, tensors = yolox_tiny(weights, SIZE, None)
    ranges = measure_detector(yolox_tiny(weights, SIZE, None)[0], tensors, [PHOTO])
    assert [*ranges] == tensors
    small = yolox_tiny(weights, SIZE, ranges)[0]
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
    wide = yolox_tiny(weights, SIZE, dict.fromkeys(tensors, ActivationRange(-140, 6)))[0]
    scales = {each.name: numpy_helper.to_array(each) for each in wide.graph.initializer}
    assert scales[f"{tensors[0]}.scale"] == pytest.approx(14 / 255)


def test_the_stem_sees_four_pixels_of_each_square_in_rgb() -> None:
    # GIVEN a stem that only sees one channel of the Focus layer: the green of the pixel below on the left
    weights = network()
    stem = np.zeros((WIDTH, 12, 3, 3), np.float32)
    stem[0, 4, 1, 1] = 1
    weights["backbone.backbone.stem.conv.conv.weight"] = stem
    weights["backbone.backbone.stem.conv.bn.bias"] *= 0
    plain = yolox_tiny(weights, SIZE, None)[0]
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
