"""A model that distinguishes two animals by colour, and meets the contract of docs/how-to/model.md.

Replace `network` by your own model from `image` to `logits`, exported with the ONNX exporter of your framework.
"""

import shutil
from pathlib import Path

import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper

SIZE, ANIMALS, TEMPERATURE = 64, 2, 0.8

network = [  # image uint8 N × S × S × 3 → logits float32 N × A
    helper.make_node("Cast", ["image"], ["pixels"], to=TensorProto.FLOAT),
    helper.make_node("Mul", ["pixels", "pixel_scale"], ["scaled"]),
    helper.make_node("ReduceMean", ["scaled"], ["colours"], axes=[1, 2], keepdims=0),
    helper.make_node("MatMul", ["colours", "classifier"], ["logits"]),
]
behind = [
    helper.make_node("Mul", ["logits", "sharpness"], ["calibrated"]),
    helper.make_node("Softmax", ["calibrated"], ["vision_probabilities"], axis=1),
    helper.make_node("Max", ["prior", "least"], ["positive"]),
    helper.make_node("Log", ["positive"], ["weights"]),
    helper.make_node("Add", ["calibrated", "weights"], ["posterior"]),
    helper.make_node("Softmax", ["posterior"], ["probabilities"], axis=1),
    # A model that knows nothing but animals says 1; one with other classes gives their animals' share.
    helper.make_node("ReduceSum", ["vision_probabilities", "classes"], ["animal_probability"], keepdims=0),
]
constants = {
    "pixel_scale": np.float32(1 / 255),
    "classifier": np.array([[4, 0], [0, 4], [0, 0]], np.float32),
    "sharpness": np.float32(1 / TEMPERATURE),
    "least": np.float32(1e-30),
    "classes": np.array([1], np.int64),
}
graph = helper.make_graph(
    network + behind,
    "colours",
    [
        helper.make_tensor_value_info("image", TensorProto.UINT8, ["N", SIZE, SIZE, 3]),
        helper.make_tensor_value_info("prior", TensorProto.FLOAT, ["N", ANIMALS]),
    ],
    [
        helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["N", ANIMALS]),
        helper.make_tensor_value_info("vision_probabilities", TensorProto.FLOAT, ["N", ANIMALS]),
        helper.make_tensor_value_info("animal_probability", TensorProto.FLOAT, ["N"]),
    ],
    [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
helper.set_model_props(model, {"name": "colours"})
checker.check_model(model, full_check=True)

Path("colours.onnx").write_bytes(model.SerializeToString())
shutil.copytree(Path(__file__).with_suffix(""), ".", dirs_exist_ok=True)  # labels.csv and taxa.csv
