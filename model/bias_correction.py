"""Correct the biases after rounding weights to int8, which shifts the mean output of each layer. Needs no photos.

Rounded weights w + ε turn a mean input E[x] into a mean error ε · E[x], the same for every photo (Nagel et al. 2019,
"Data-Free Quantization Through Weight Equalization and Bias Correction"). E[x] follows from batch normalisation: each
channel is roughly normally distributed, with mean β and standard deviation |γ|, and ReLU6 clips this distribution.
"""

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from model.network import ChannelStatistics, Convolution, Network
from model.quantize import quantize_weights

# ImageNet's mean colour (0.485, 0.456, 0.406 of 255), normalised as pixels are.
_PIXELS = (np.array([0.485, 0.456, 0.406]) * 255 - 127) / 128

type Mean = NDArray[np.float64]


def correct_biases(network: Network) -> Network:
    """Return the network with biases that cancel the effect of rounding its weights to int8."""
    corrected = _corrected(network)
    stem = next(corrected)
    blocks = tuple(
        replace(block, convolutions=tuple(next(corrected) for _ in block.convolutions)) for block in network.blocks
    )
    features = after_relu6(network.head.statistics)
    bias = network.classifier_bias - _shift(network.classifier, features)
    return replace(network, stem=stem, blocks=blocks, head=next(corrected), classifier_bias=bias.astype(np.float32))


def after_relu6(statistics: ChannelStatistics) -> Mean:
    """Return the mean of each channel after ReLU6, E[min(max(x, 0), 6)], for normally distributed inputs x."""
    mean = statistics.mean.astype(np.float64)
    deviation = np.maximum(np.abs(statistics.deviation.astype(np.float64)), 1e-6)
    low, high = -mean / deviation, (6 - mean) / deviation
    between = _share_below(high) - _share_below(low)
    return np.asarray(mean * between + deviation * (_density(low) - _density(high)) + 6 * (1 - _share_below(high)))


def _corrected(network: Network) -> Iterator[Convolution]:
    """Yield the convolutions in order, with biases corrected for the mean of their inputs."""
    inputs: Mean = _PIXELS
    yield _correct(network.stem, inputs)
    inputs = after_relu6(network.stem.statistics)
    for block in network.blocks:
        shortcut = inputs
        for layer in block.convolutions:
            yield _correct(layer, inputs)
            inputs = after_relu6(layer.statistics) if layer.relu6 else layer.statistics.mean.astype(np.float64)
        if block.residual:
            inputs = inputs + shortcut
    yield _correct(network.head, inputs)


def _correct(layer: Convolution, inputs: Mean) -> Convolution:
    means = inputs.reshape(-1, 1) if layer.groups > 1 else inputs
    return replace(layer, bias=(layer.bias - _shift(layer.weight, means)).astype(np.float32))


def _shift(weight: NDArray[np.float32], inputs: Mean) -> Mean:
    """Return the change in the mean of each output if `weight` is rounded. `inputs`: the mean of each input channel."""
    quantized = quantize_weights(weight)
    scales = quantized.scales.astype(np.float64).reshape(-1, *[1] * (weight.ndim - 1))
    errors = (quantized.values * scales - weight).reshape(*weight.shape[:2], -1).sum(axis=2)
    return np.asarray((errors * inputs).sum(axis=1))  # not `@`: BLAS sums differently on other processors


def _share_below(z: Mean) -> Mean:
    """Return the cumulative standard normal distribution at each value."""
    return np.array([(1 + math.erf(each / math.sqrt(2))) / 2 for each in z.tolist()])


def _density(z: Mean) -> Mean:
    """Return the standard normal density at each value."""
    return np.asarray(np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi))
