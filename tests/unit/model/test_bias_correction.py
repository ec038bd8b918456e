"""Bias correction: at the mean input, rounded weights with a corrected bias give the original output."""

from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from model.bias_correction import after_relu6, correct_biases
from model.network import Block, ChannelStatistics, Convolution, Network
from model.quantize import quantize_weights

COLOURS = (np.array([0.485, 0.456, 0.406]) * 255 - 127) / 128


@given(mean=st.floats(-4, 10), deviation=st.floats(-3, 3))
def test_the_mean_after_relu6_is_that_of_many_draws(mean: float, deviation: float) -> None:
    # GIVEN a normal channel; WHEN its mean after ReLU6 is computed; THEN it is what evenly spread draws give
    draws = mean + abs(deviation) * NORMAL
    statistics = ChannelStatistics(np.array([mean], np.float32), np.array([deviation], np.float32))
    assert after_relu6(statistics)[0] == pytest.approx(draws.clip(0, 6).mean(), abs=0.01)


def quantiles(count: int) -> NDArray[np.float64]:
    """Evenly spread draws of a standard normal distribution."""
    return np.array([NormalDist().inv_cdf((at + 0.5) / count) for at in range(count)])


NORMAL = quantiles(2000)


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
    means = [COLOURS, after_relu6(stem), after_relu6(depthwise), project.mean + after_relu6(stem)]

    # WHEN biases are corrected; THEN rounding shifts no layer's mean output any more, as it did before
    corrected = correct_biases(network)
    for before, after, mean in zip(network.convolutions, corrected.convolutions, means, strict=True):
        wanted = outputs_of(before, mean, rounded=False)
        assert np.allclose(outputs_of(after, mean, rounded=True), wanted, atol=1e-5)
        if before.groups == 1:  # a channel with one weight has no rounding: its scale fits that weight
            assert not np.allclose(outputs_of(before, mean, rounded=True), wanted, atol=1e-5)
        assert np.array_equal(before.weight, after.weight)


def test_the_classifier_is_corrected_for_the_mean_feature(network: Network) -> None:
    features = after_relu6(network.head.statistics)
    corrected = correct_biases(network)
    quantized = quantize_weights(network.classifier)
    rounded = quantized.values * quantized.scales.astype(np.float64)[:, None]
    wanted = network.classifier @ features + network.classifier_bias
    assert np.allclose(rounded @ features + corrected.classifier_bias, wanted, atol=1e-5)
