"""Network: ONNX equals plain loops on small random weights, with stride, padding and folding."""

from typing import Any

import numpy as np
import onnxruntime
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from model.network import EPSILON, ChannelStatistics, Convolution, fold

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


def test_the_odd_zero_goes_after() -> None:
    # GIVEN an even size and stride 2, where SAME needs an odd number of zeros
    layer = Convolution("layer", np.zeros((1, 1, 3, 3), np.float32), ZERO, ChannelStatistics(ZERO, ZERO), stride=2)
    # THEN the one zero goes to the bottom right, as in TensorFlow; PyTorch's own padding would put one on each side
    assert layer.padding(260) == (0, 1)
    assert layer.padding(65) == (1, 1)


@given(size=st.integers(1, 300), stride=st.integers(1, 3), kernel=st.sampled_from([1, 3, 5]))
def test_padding_gives_one_output_a_stride(size: int, stride: int, kernel: int) -> None:
    # GIVEN any size; THEN there is an output for every stride begun, and never a whole zero too much
    weight = np.zeros((1, 1, kernel, kernel), np.float32)
    before, after = Convolution("layer", weight, ZERO, ChannelStatistics(ZERO, ZERO), stride).padding(size)
    assert (size + before + after - kernel) // stride + 1 == -(-size // stride)
    assert 0 <= after - before <= 1
