"""Its values."""

import json
from pathlib import Path
from typing import Any, NamedTuple


class BBox(NamedTuple):
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
