"""Boxes around what a detector sees: from the scores of its squares to a few boxes that do not overlap. No I/O."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from chalicelib.photo.pixels import Area

Kind = Literal["animal", "person", "vehicle"]
KINDS: tuple[Kind, ...] = ("animal", "person", "vehicle")

GREY = 114
"""Value of the pixels beside the photo, as YOLOX was trained (Ge et al. 2021; `preproc` of its authors)."""


@dataclass(frozen=True, slots=True)
class Box:
    """A box around an animal, a person or a vehicle.

    `x`, `y`, `width`, `height`: left upper corner and size, as shares of the photo's width or height. `score`: how sure
    the detector is, 0 to 1.
    """

    x: float
    y: float
    width: float
    height: float
    score: float
    kind: Kind

    def grown(self, share: float) -> Area:
        """Return the box with `share` of its size more on each side, inside of the photo."""
        right, bottom = self.x + self.width, self.y + self.height
        across, down = self.width * share, self.height * share
        return Area(max(self.x - across, 0), max(self.y - down, 0), min(right + across, 1), min(bottom + down, 1))


def letter_box(frame: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Return the input of a detector, shape (size, size, 3): the photo, with grey at its right and below it.

    `frame`: shape (height, width, 3), no side longer than `size`.
    """
    height, width, _ = frame.shape
    boxed = np.full((size, size, 3), GREY, np.uint8)
    boxed[:height, :width] = frame
    return boxed


def corners_of(boxes: NDArray[np.float32], width: int, height: int) -> NDArray[np.float32]:
    """Return left, top, right and bottom side of boxes, as shares of the photo, cut off at its borders.

    `boxes`: shape (n, 4), centre x, centre y, width and height in pixels of the letter-box. `width`, `height`: of the
    photo in it.
    """
    centre, half = boxes[:, :2], boxes[:, 2:] / 2
    corners = np.concatenate([centre - half, centre + half], axis=1)
    shares = corners / np.array([width, height, width, height], np.float32)
    return np.asarray(shares.clip(0.0, 1.0), np.float32)


def suppress(corners: NDArray[np.float32], scores: NDArray[np.float32], overlap: float, most: int) -> NDArray[np.intp]:
    """Return the indices of the boxes to keep, the surest first: non-maximum suppression.

    The surest box stays, and every box that overlaps with it goes; so on with the rest. `corners`: shape (n, 4), left,
    top, right and bottom side. `scores`: shape (n,). `overlap`: the share of two boxes' union that both cover, from
    which the less sure one goes. `most`: number of boxes after which it ends. Takes one step for each box that stays.
    """
    areas = (corners[:, 2:] - corners[:, :2]).prod(axis=1)
    left = np.argsort(-scores, kind="stable")
    kept: list[int] = []
    while left.size and len(kept) < most:
        best, left = left[0], left[1:]
        kept.append(int(best))
        low = np.maximum(corners[best, :2], corners[left, :2])
        high = np.minimum(corners[best, 2:], corners[left, 2:])
        both = (high - low).clip(0.0).prod(axis=1)
        left = left[both < overlap * (areas[best] + areas[left] - both)]
    return np.array(kept, np.intp)
