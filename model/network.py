"""EfficientNet-Lite2 as a sequence of convolutions with folded batch normalisation. NumPy only, no ONNX.

EfficientNet-Lite (Tan & Le 2019; Google's "lite" variant of 2020) omits squeeze-and-excite and replaces swish by ReLU6,
so that it quantises well. Lite2 is 1.1 times wider and 1.2 times deeper than the base network. Its input
has 260×260 pixels.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

INPUT_SIZE = 260
EPSILON = 1e-3  # of batch normalisation; TensorFlow's value for this family, while PyTorch's default is 1e-5

# Number of blocks and stride of the first block, for each group of blocks of the deeper network.
_BLOCK_GROUPS = ((1, 1), (3, 2), (3, 2), (4, 2), (4, 1), (5, 2), (1, 1))


@dataclass(frozen=True, slots=True)
class ChannelStatistics:
    """Each channel's `mean` (β) and `deviation` (γ) after batch normalisation. The deviation's sign has no meaning."""

    mean: NDArray[np.float32]
    deviation: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Convolution:
    """A convolution. `weight`: float32 (out, in / groups, k, k). `bias`: float32 (out,).

    `statistics`: of the output before ReLU6.
    """

    name: str
    weight: NDArray[np.float32]
    bias: NDArray[np.float32]
    statistics: ChannelStatistics
    stride: int = 1
    groups: int = 1
    relu6: bool = True

    @property
    def kernel(self) -> int:
        """Side length of the square kernel."""
        return int(self.weight.shape[2])

    def padding(self, size: int) -> tuple[int, int]:
        """Return the number of zeros to add before and after `size` inputs, as in TensorFlow's SAME padding.

        If the total is odd, the extra zero goes after the inputs.
        """
        outputs = -(-size // self.stride)
        total = max((outputs - 1) * self.stride + self.kernel - size, 0)
        return total // 2, total - total // 2


@dataclass(frozen=True, slots=True)
class Block:
    """An inverted residual block of three convolutions: expand, depthwise and project. The first block has no expand.

    `residual`: True if the block adds its input to its output.
    """

    name: str
    convolutions: tuple[Convolution, ...]
    residual: bool


@dataclass(frozen=True, slots=True)
class Network:
    """A whole network. `classifier`: float32 (classes, features); `classifier_bias`: float32 (classes,)."""

    stem: Convolution
    blocks: tuple[Block, ...]
    head: Convolution
    classifier: NDArray[np.float32]
    classifier_bias: NDArray[np.float32]

    @property
    def convolutions(self) -> tuple[Convolution, ...]:
        """All convolutions, in order."""
        inner = (convolution for block in self.blocks for convolution in block.convolutions)
        return (self.stem, *inner, self.head)


def efficientnet_lite2(weights: Mapping[str, NDArray[Any]]) -> Network:
    """Build the network from a state dict of EfficientNet-Lite-PyTorch. Raise `KeyError` if a tensor is missing."""
    strides = [stride if first == 0 else 1 for count, stride in _BLOCK_GROUPS for first in range(count)]
    return Network(
        stem=_convolution("stem", weights, "_conv_stem", "_bn0", stride=2),
        blocks=tuple(_block(number, weights, stride) for number, stride in enumerate(strides)),
        head=_convolution("head", weights, "_conv_head", "_bn1"),
        classifier=weights["_fc.weight"],
        classifier_bias=weights["_fc.bias"],
    )


def _block(number: int, weights: Mapping[str, NDArray[Any]], stride: int) -> Block:
    name, prefix = f"block{number}", f"_blocks.{number}."
    depthwise = weights[f"{prefix}_depthwise_conv.weight"]
    convolutions = [
        _convolution(f"{name}.depthwise", weights, f"{prefix}_depthwise_conv", f"{prefix}_bn1", stride, len(depthwise)),
        _convolution(f"{name}.project", weights, f"{prefix}_project_conv", f"{prefix}_bn2", relu6=False),
    ]
    inputs = len(depthwise)
    if f"{prefix}_expand_conv.weight" in weights:
        convolutions.insert(0, _convolution(f"{name}.expand", weights, f"{prefix}_expand_conv", f"{prefix}_bn0"))
        inputs = convolutions[0].weight.shape[1]
    return Block(name, tuple(convolutions), residual=stride == 1 and inputs == len(convolutions[-1].weight))


def _convolution(
    name: str,
    weights: Mapping[str, NDArray[Any]],
    convolution: str,
    normalisation: str,
    stride: int = 1,
    groups: int = 1,
    *,
    relu6: bool = True,
) -> Convolution:
    parts = ("weight", "bias", "running_mean", "running_var")
    gamma, beta, mean, variance = (weights[f"{normalisation}.{part}"] for part in parts)
    weight, bias = fold(weights[f"{convolution}.weight"], gamma, beta, mean, variance)
    return Convolution(name, weight, bias, ChannelStatistics(beta, gamma), stride, groups, relu6)


def fold(
    weight: NDArray[np.float32],
    gamma: NDArray[np.float32],
    beta: NDArray[np.float32],
    mean: NDArray[np.float32],
    variance: NDArray[np.float32],
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Fold batch normalisation into the convolution before it. Return the weight and bias of the combined convolution.

    The combined convolution computes gamma · (w ∗ x − mean) / √(variance + ε) + beta. Folding is elementwise in double
    precision, so every processor gives the same result.
    """
    scale = gamma.astype(np.float64) / np.sqrt(variance.astype(np.float64) + EPSILON)
    folded = weight * scale.reshape(-1, 1, 1, 1)
    return folded.astype(np.float32), (beta - mean * scale).astype(np.float32)
