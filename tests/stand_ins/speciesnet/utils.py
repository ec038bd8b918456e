"""Its values."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class PreprocessedImage:
    """An image as its models see it."""

    arr: NDArray[np.uint8]
    orig_width: int
    orig_height: int


@dataclass(frozen=True)
class BBox:
    """A box, in shares of the photo."""

    xmin: float
    ymin: float
    width: float
    height: float


class ModelInfo:
    """What lies in a folder of weights. `content`: of the stand-in alone."""

    def __init__(self, model_name: str) -> None:
        self.content: dict[str, Any] = json.loads((Path(model_name) / "info.json").read_text(encoding="utf-8"))
        self.version, self.type_ = self.content["version"], self.content["type"]
