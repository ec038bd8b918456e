"""A stand-in for this module of the package megadetector 10.0.28: its weights are a file with all photos' boxes."""

import json
from pathlib import Path
from typing import Any

from PIL import Image


class Loaded:
    """As `PTDetector`."""

    def __init__(self, model_file: str) -> None:
        print("loading")  # the package prints
        self.detections = json.loads(Path(model_file).read_text(encoding="utf-8"))

    def generate_detections_one_batch(
        self, img_original: list[Image.Image], image_id: list[str], detection_threshold: float = 0.00001
    ) -> list[dict[str, Any]]:
        return [self._one(each, name, detection_threshold) for each, name in zip(img_original, image_id, strict=True)]

    def _one(self, image: Image.Image, name: str, threshold: float) -> dict[str, Any]:
        if max(image.size) != 1280:
            return {"file": name, "failure": "Failure inference", "detections": None}
        shown = [each for each in self.detections if each["conf"] >= threshold]
        return {"file": name, "detections": shown, "failure": None}


def load_detector(model_file: str, force_cpu: bool = False) -> Loaded:
    if force_cpu:
        raise NotImplementedError
    return Loaded(model_file)


def get_detector_version_from_filename(detector_filename: str) -> str:
    return "v5a.0.1" if "v5a.0.1" in Path(detector_filename).name else "unknown"
