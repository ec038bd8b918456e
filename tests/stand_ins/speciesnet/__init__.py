"""A stand-in for the package speciesnet 5.0.6, with the part of its interface that `--engine speciesnet` uses.

Its weights are a folder with `info.json`: version and type as the package's, and what every photo shows: `detections`
as the package gives them, `labels`, and `scores`, one list for each crop.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image, ImageFile
from speciesnet.utils import BBox, ModelInfo, PreprocessedImage

__all__ = ["DEFAULT_MODEL", "BBox", "SpeciesNetClassifier", "SpeciesNetDetector"]

DEFAULT_MODEL = "kaggle:google/speciesnet/pyTorch/v4.0.3a/1"
ImageFile.LOAD_TRUNCATED_IMAGES = True  # as the package does


class SpeciesNetDetector:
    """Finds what the weights say."""

    def __init__(self, model_name: str) -> None:
        self.model_info = ModelInfo(model_name)

    def preprocess(self, img: Image.Image | None) -> PreprocessedImage | None:
        return img and PreprocessedImage(np.asarray(img), img.width, img.height)

    def predict(self, filepath: str, img: PreprocessedImage | None) -> dict[str, Any]:
        if img is None:
            return {"filepath": filepath, "failures": ["DETECTOR"]}
        return {"filepath": filepath, "detections": self.model_info.content["detections"]}


class SpeciesNetClassifier:
    """Says of each crop what the weights say."""

    def __init__(self, model_name: str, target_species_txt: str | None = None, device: str | None = None) -> None:
        print("loading")  # packages print
        self.model_info = ModelInfo(model_name)
        self.labels = dict(enumerate(self.model_info.content["labels"]))
        if target_species_txt or device:
            raise NotImplementedError

    def preprocess(
        self, img: Image.Image | None, bboxes: list[BBox] | None = None, resize: bool = True
    ) -> list[PreprocessedImage] | None:
        if img is None or not resize:
            return None
        areas = bboxes or [] if self.model_info.type_ == "always_crop" else [BBox(0, 0, 1, 1)]
        crops = []
        for each in areas:
            across = round(each.xmin * img.width), round((each.xmin + each.width) * img.width)
            down = round(each.ymin * img.height), round((each.ymin + each.height) * img.height)
            crops.append(img.crop((across[0], down[0], across[1], down[1])).resize((480, 480)))
        return [PreprocessedImage(np.asarray(each), img.width, img.height) for each in crops]

    def batch_predict(
        self,
        filepaths: Sequence[str],
        imgs_list: Sequence[list[PreprocessedImage] | None],
        num_classes: int | None = 5,
    ) -> list[dict[str, Any]]:
        return [self._predict(path, imgs or [], num_classes) for path, imgs in zip(filepaths, imgs_list, strict=True)]

    def _predict(self, path: str, imgs: list[PreprocessedImage], num_classes: int | None) -> dict[str, Any]:
        rows = []
        for _, scores in zip(imgs, self.model_info.content["scores"], strict=False):
            best = sorted(zip(scores, self.labels.values(), strict=True), reverse=True)[:num_classes]
            rows.append({"classes": [label for _, label in best], "scores": [score for score, _ in best]})
        return {"filepath": path, "classifications_list": rows}
