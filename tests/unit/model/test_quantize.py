"""Quantisation: off by half a step at most, zero is exact, nothing overflows, and biases cancel the shift of means."""

from pathlib import Path
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from chalicelib.errors import ModelError
from model import quantize
from model.network import Block, ChannelStatistics, Convolution, Network
from model.quantize import ActivationRange, quantize_weights

numbers = st.floats(-8, 8, width=32)
kernels = st.tuples(st.integers(1, 4), st.integers(1, 5), st.sampled_from([1, 3])).map(
    lambda s: (s[0], s[1], s[2], s[2])
)


@given(arrays(np.float32, kernels, elements=numbers))
def test_weights_are_off_by_at_most_half_a_step_and_no_pair_of_products_overflows(weight: NDArray[np.float32]) -> None:
    # GIVEN any weights; WHEN they are rounded; THEN each is as near as its channel's scale allows
    quantized = quantize_weights(weight)
    scales = quantized.scales.reshape(-1, 1, 1, 1)
    assert np.all(np.abs(quantized.values * scales - weight) <= scales * 0.501)
    assert quantized.values.min() >= -127
    # AND two neighbours that meet the largest activations fit in 16 bits, in which AVX2 adds them
    channels_last = np.moveaxis(quantized.values.astype(np.int32), 1, -1).reshape(len(weight), -1)
    even = channels_last[:, : channels_last.shape[1] // 2 * 2]
    if weight.shape[1] > 1:  # depthwise kernels add in 32 bits
        assert np.abs(even[:, 0::2] + even[:, 1::2]).max(initial=0) * 255 <= np.iinfo(np.int16).max + 1


def test_a_matrix_is_guarded_along_its_rows() -> None:
    # GIVEN a classifier with two large weights side by side, with the same weights apart, and with zeros
    quantized = quantize_weights(np.array([[1, 1, 0, 0], [1, 0, 1, 0], [0, 0, 0, 0]], np.float32))
    # THEN only the first is scaled down
    assert quantized.values.tolist() == [[64, 64, 0, 0], [127, 0, 127, 0], [0, 0, 0, 0]]
    assert np.all(quantized.scales > 0)
    # AND biases are whole numbers of products, and saturate
    scales = np.array([0.5, 0.25, 1e-9], np.float32)
    assert quantize.quantize_bias(np.array([1, -1, 100], np.float32), scales).tolist() == [2, -4, 2**31 - 1]


@given(low=st.floats(-50, 0), high=st.floats(0.01, 50))
def test_zero_is_exact_and_the_ends_are_within_a_step(low: float, high: float) -> None:
    # GIVEN any range that holds zero; THEN zero has a whole number of its own, and both ends have one near them
    each = ActivationRange(low, high)
    step = float(each.scale)
    assert abs((0 - int(each.zero_point)) * step - low) <= step
    assert abs((255 - int(each.zero_point)) * step - high) <= step


@pytest.mark.parametrize(("low", "high"), [(0.5, 1), (-1, -0.5), (0, 0), (float("nan"), 1), (0, float("inf"))])
def test_a_range_without_zero_or_extent_is_refused(low: float, high: float) -> None:
    with pytest.raises(ModelError, match="expected a finite range that includes 0"):
        ActivationRange(low, high)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, r"cannot read activations.csv \(.*\); write it with `python -m model\.calibrate`"),
        ("tensor,low,high\nstem,0\n", "cannot read activations.csv"),
        ("tensor,low,high\nstem,zero,6\n", "cannot read activations.csv"),
        ("tensor,low,high\nstem,1,6\n", "range is 1.0 to 6.0; expected a finite range that includes 0"),
    ],
)
def test_a_missing_or_malformed_table_is_reported(tmp_path: Path, text: str | None, message: str) -> None:
    path = tmp_path / "activations.csv"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ModelError, match=message):
        quantize.read_ranges(path)


NORMAL = np.array([NormalDist().inv_cdf((at + 0.5) / 2000) for at in range(2000)])
"""Evenly spread draws of a standard normal distribution."""
COLOURS = (np.array([0.485, 0.456, 0.406]) * 255 - 127) / 128


@given(mean=st.floats(-4, 10), deviation=st.floats(-3, 3))
def test_the_mean_after_relu6_is_that_of_many_draws(mean: float, deviation: float) -> None:
    # GIVEN a normal channel; WHEN its mean after ReLU6 is computed; THEN it is what evenly spread draws give
    draws = mean + abs(deviation) * NORMAL
    statistics = ChannelStatistics(np.array([mean], np.float32), np.array([deviation], np.float32))
    assert quantize.after_relu6(statistics)[0] == pytest.approx(draws.clip(0, 6).mean(), abs=0.01)


def layer(name: str, outputs: int, inputs: int, *, groups: int = 1, relu6: bool = True) -> Convolution:
    random = np.random.default_rng(len(name))
    weight = random.normal(size=(outputs, inputs // groups, 1, 1)).astype(np.float32)
    bias, mean, deviation = random.normal((0, 1, 1), size=(outputs, 3)).T.astype(np.float32)
    return Convolution(name, weight, bias, ChannelStatistics(mean, deviation), 1, groups, relu6)


@pytest.fixture
def network() -> Network:
    """A stem, one block with a shortcut, a head and a classifier; four channels, statistics at random."""
    random = np.random.default_rng(5)
    block = Block(
        "block0", (layer("block0.depthwise", 4, 4, groups=4), layer("block0.project", 4, 4, relu6=False)), residual=True
    )
    stem, head = layer("stem", 4, 3), layer("head", 4, 4)
    classifier = random.normal(size=(7, 4)).astype(np.float32)
    return Network(stem, (block,), head, classifier, np.zeros(7, np.float32))


def outputs_of(each: Convolution, inputs: NDArray[np.float64], *, rounded: bool) -> NDArray[np.float64]:
    quantized = quantize_weights(each.weight)
    scales = quantized.scales.astype(np.float64)[:, None]
    weight = (quantized.values[..., 0, 0] * scales) if rounded else each.weight[..., 0, 0]
    return (weight[:, 0] * inputs if each.groups > 1 else weight @ inputs) + each.bias


def test_each_layer_gives_at_its_mean_input_what_it_gave_before(network: Network) -> None:
    # GIVEN a network, and the mean input of each layer by its batch normalisation
    stem, depthwise, project = (each.statistics for each in network.convolutions[:3])
    of_stem, of_depthwise = quantize.after_relu6(stem), quantize.after_relu6(depthwise)
    means = [COLOURS, of_stem, of_depthwise, project.mean + of_stem]
    # WHEN biases are corrected; THEN rounding shifts no layer's mean output any more, as it did before
    corrected = quantize.correct_biases(network)
    for before, after, mean in zip(network.convolutions, corrected.convolutions, means, strict=True):
        wanted = outputs_of(before, mean, rounded=False)
        assert np.allclose(outputs_of(after, mean, rounded=True), wanted, atol=1e-5)
        if before.groups == 1:  # a channel with one weight has no rounding: its scale fits that weight
            assert not np.allclose(outputs_of(before, mean, rounded=True), wanted, atol=1e-5)
        assert np.array_equal(before.weight, after.weight)

    # AND so it is for the classifier at the mean feature
    features = quantize.after_relu6(network.head.statistics)
    quantized = quantize_weights(network.classifier)
    rounded = quantized.values * quantized.scales.astype(np.float64)[:, None]
    wanted = network.classifier @ features + network.classifier_bias
    assert np.allclose(rounded @ features + corrected.classifier_bias, wanted, atol=1e-5)
