"""The graph of the general model: where in the image the likeliest animal is."""

from typing import Any

import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray

from model.graph import build_graph, intermediate_tensors
from model.network import INPUT_SIZE, Block, ChannelStatistics, Convolution, Network
from model.quantize import ActivationRange

RANDOM = np.random.default_rng(11)
PHOTO = RANDOM.integers(0, 256, (1, INPUT_SIZE, INPUT_SIZE, 3), dtype=np.uint8)
NOTHING = np.zeros(0, np.float32)


def layer(name: str, inputs: int, kernel: int = 1, stride: int = 1, groups: int = 1) -> Convolution:
    weight = RANDOM.normal(0, 0.4, (8, inputs // groups, kernel, kernel)).astype(np.float32)
    return Convolution(name, weight, np.zeros(8, np.float32), ChannelStatistics(NOTHING, NOTHING), stride, groups)


def network() -> Network:
    """Return a network that divides the image into 9 × 9 squares, with 8 features and 5 classes."""
    block = Block("block0", (layer("block0.depthwise", 8, groups=8), layer("block0.project", 8)), residual=False)
    classifier = RANDOM.normal(size=(5, 8)).astype(np.float32)
    stem = layer("stem", 3, kernel=5, stride=32)
    return Network(stem, (block,), layer("head", 8), classifier, RANDOM.normal(size=5).astype(np.float32))


def outputs_of(made: Network, ranges: dict[str, ActivationRange] | None) -> dict[str, NDArray[np.float32]]:
    session = onnxruntime.InferenceSession(build_graph(made, 4, 1.0, ranges, {}).SerializeToString())
    feed: dict[str, Any] = {"image": PHOTO, "prior": np.ones((1, 4), np.float32)}
    return dict(zip([each.name for each in session.get_outputs()], session.run(None, feed), strict=True))


def test_the_map_says_what_each_square_adds_to_the_likeliest_animal() -> None:
    # GIVEN a network WHEN it scores a photo
    made = network()
    found = outputs_of(made, None)
    # THEN the mean of the map is the logit of that animal without its bias
    likeliest = found["vision_probabilities"][0].argmax()
    assert found["activation_map"].shape == (1, 9, 9)
    logit = found["features"][0] @ made.classifier[likeliest]
    assert found["activation_map"].mean() == pytest.approx(logit, rel=1e-4)
    # AND in int8 it is the same, but for a factor and rounding
    ranges = {tensor: ActivationRange(0, 6) for tensor in intermediate_tensors(made)}
    small = outputs_of(made, ranges)
    assert small["vision_probabilities"][0].argmax() == likeliest
    assert np.corrcoef(small["activation_map"].ravel(), found["activation_map"].ravel())[0, 1] > 0.99
