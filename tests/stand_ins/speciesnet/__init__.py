"""A stand-in for the package speciesnet 5.0.6, with the part of its interface that `--engine speciesnet` uses.

Its weights are a folder with `info.json`: version and type as the package's, and what every photo shows: `detections`
as the package gives them, `labels`, and `scores`, one list for each crop.
"""

from collections.abc import Sequence
from typing import Any

from PIL import Image, ImageFile
from speciesnet.utils import BBox, ModelInfo

__all__ = ["DEFAULT_MODEL", "BBox", "SpeciesNetClassifier", "SpeciesNetDetector"]

DEFAULT_MODEL = "kaggle:google/speciesnet/pyTorch/v4.0.3a/1"
ImageFile.LOAD_TRUNCATED_IMAGES = True  # as the package does


class SpeciesNetDetector:
    """Finds what the weights say."""

    def __init__(self, model_name: str) -> None:
        self.model_info = ModelInfo(model_name)

    def preprocess(self, img: Image.Image) -> Image.Image:
        return img

    def predict(self, filepath: str, img: Image.Image) -> dict[str, Any]:  # noqa: ARG002
        return {"filepath": filepath, "detections": self.model_info.content["detections"]}


class SpeciesNetClassifier:
    """Says of each crop what the weights say."""

    def __init__(self, model_name: str) -> None:
        print("loading")  # packages print
        self.model_info = ModelInfo(model_name)
        self.labels = dict(enumerate(self.model_info.content["labels"]))

    def preprocess(self, img: Image.Image, bboxes: Sequence[BBox]) -> list[Image.Image]:
        areas = bboxes if self.model_info.type_ == "always_crop" else [BBox(0, 0, 1, 1)]
        across, down = img.size
        corners = ((each.xmin, each.ymin, each.xmin + each.width, each.ymin + each.height) for each in areas)
        return [img.crop((left * across, top * down, right * across, end * down)) for left, top, right, end in corners]

    def batch_predict(
        self, filepaths: Sequence[str], imgs_list: Sequence[list[Image.Image]], num_classes: int | None
    ) -> list[dict[str, Any]]:
        labels, scores = self.labels.values(), self.model_info.content["scores"]
        best = [sorted(zip(each, labels, strict=True), reverse=True)[:num_classes] for each in scores]
        rows = [{"classes": [name for _, name in each], "scores": [score for score, _ in each]} for each in best]
        return [
            {"filepath": path, "classifications_list": rows[: len(crops)]}
            for path, crops in zip(filepaths, imgs_list, strict=True)
        ]
