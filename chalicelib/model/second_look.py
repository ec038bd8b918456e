"""The second look: which photos get one, and which part of the photo the models then score, like another photo.

That finds more animals, and corrects first scores that were too sure. The page's copy for use without a network reads
the constants below.
"""

from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from chalicelib.model.session import Scores
from chalicelib.model.subject import MOST_EMPTY
from chalicelib.model.taxonomy import Prediction
from chalicelib.photo.pixels import Picture

if TYPE_CHECKING:
    from chalicelib.model.detector import Box

SURE: Final = 0.8
"""Score from which a family, or a taxon below it, needs no second look: such answers do not become better."""
MARGIN: Final = 0.1
"""Share of a box that the crop around it adds on each side, because boxes are tight, and often cut off an ear. The
first of `models.CROPS` adds as much, so that a head need not score the same crop again."""
SHARE: Final = 0.6
"""Share of the photo's short side that the crop without a box shows."""
STRONG: Final = 0.7
"""Share of the largest value in the general model's activation map from which a square of the map counts. A second look
around these squares, instead of at the middle of the photo, makes 0.6% more of the field photos usable, and none
wrong."""


def is_needed(prediction: Prediction | None) -> bool:
    """Return whether the first look leaves a doubt: it named nothing, or a taxon wider than a family, or is unsure."""
    return prediction is None or prediction.score < SURE or prediction.is_wide


def crop_around(picture: Picture, box: "Box", size: int) -> NDArray[np.uint8]:
    """Return the part of a photo around a detector's box, shape (size, size, 3), uint8, RGB."""
    return picture.around(box.grown(MARGIN), size)


def crop_without_box(picture: Picture, first: Scores, size: int) -> NDArray[np.uint8] | None:
    """Return the part of a photo around `place_in`, shape (size, size, 3), uint8, RGB; None if no place is known.

    `first`: the general model's scores of the photo.
    """
    place = place_in(first)
    return picture.near(*place, SHARE, size) if place else None


def place_in(first: Scores) -> tuple[float, float] | None:
    """Return where in its image the general model found the likeliest animal: x and y, as shares of the image's sides.

    None if it hardly saw one, or gives no map.
    """
    if first.activation_map is None or first.animal_probability < MOST_EMPTY:
        return None
    squares = first.activation_map.clip(0.0)
    strong = squares >= STRONG * squares.max()
    rows, columns = strong.nonzero()
    return (float(columns.mean()) + 0.5) / strong.shape[1], (float(rows.mean()) + 0.5) / strong.shape[0]
