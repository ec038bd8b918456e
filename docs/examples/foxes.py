"""A pack of two foxes behind the model of colours.py, trained in a second on made-up photos."""

import shutil
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, checker, helper, numpy_helper
from sklearn.linear_model import LogisticRegression

SIZE = 32
COATS = np.array([(180, 90, 40), (110, 100, 90), (240, 240, 245)])  # red fox; arctic fox in summer, in winter
random = np.random.default_rng(0)


def made_up_photos(count: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return `count` photos in the colours of the foxes' coats, and the number of the coat that each photo shows."""
    outputs = random.integers(0, len(COATS), count)
    shades = COATS[outputs] + random.normal(0, 15, (count, 3))
    noise = random.normal(0, 25, (count, SIZE, SIZE, 3))
    return (shades[:, None, None] + noise).clip(0, 255).astype(np.uint8), outputs


# Train: a softmax regression on the mean colour.
photos, outputs = made_up_photos(500)
classifier = LogisticRegression(C=100).fit(photos.mean(axis=(1, 2)) / 255, outputs)

# Export: pixels in, calibrated probabilities out.
nodes = [
    helper.make_node("Cast", ["image"], ["pixels"], to=TensorProto.FLOAT),
    helper.make_node("Mul", ["pixels", "pixel_scale"], ["scaled"]),
    helper.make_node("ReduceMean", ["scaled"], ["colours"], axes=[1, 2], keepdims=0),
    helper.make_node("Gemm", ["colours", "weights", "bias"], ["logits"]),
    helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1),
]
constants = {
    "pixel_scale": np.float32(1 / 255),
    "weights": classifier.coef_.T.astype(np.float32),
    "bias": classifier.intercept_.astype(np.float32),
}
graph = helper.make_graph(
    nodes,
    "foxes",
    [helper.make_tensor_value_info("image", TensorProto.UINT8, ["N", SIZE, SIZE, 3])],
    [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["N", len(COATS)])],
    [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
checker.check_model(model, full_check=True)

packs = Path("packs")
packs.mkdir(exist_ok=True)
(packs / "foxes.onnx").write_bytes(model.SerializeToString())
shutil.copytree(Path(__file__).with_suffix(""), packs, dirs_exist_ok=True)  # foxes.csv and foxes.toml
