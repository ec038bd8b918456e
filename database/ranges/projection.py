"""The Equal Earth projection, for the small maps of ranges. web/page/src/projection.js draws the page's map with it."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

_A: Final = (1.340264, -0.081106, 0.000893, 0.003796)
"""Coefficients of Šavrič, Patterson & Jenny (2018), doi:10.1080/13658816.2018.1504949."""
_M: Final = np.sqrt(3) / 2


def project(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return places on the map, in radii of the sphere: x to the east, y to the south.

    `points`: shape (n, 2), longitude and latitude in decimal degrees. The map is 5.41 wide and 2.63 high, around 0/0.
    """
    longitude, latitude = np.radians(points[:, 0]), np.radians(points[:, 1])
    t = np.arcsin(_M * np.sin(latitude))
    slope = _A[0] + 3 * _A[1] * t**2 + t**6 * (7 * _A[2] + 9 * _A[3] * t**2)
    height = t * (_A[0] + _A[1] * t**2 + t**6 * (_A[2] + _A[3] * t**2))
    return np.stack([longitude * np.cos(t) / (_M * slope), -height], axis=1)
