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

    def generate_detections_one_image(
        self, img_original: Image.Image, image_id: str = "unknown", detection_threshold: float = 0.00001
    ) -> dict[str, Any]:
        if max(img_original.size) != 1280:
            return {"file": image_id, "failure": "Failure inference", "detections": None}
        shown = [each for each in self.detections if each["conf"] >= detection_threshold]
        return {"file": image_id, "detections": shown, "failure": None}


def load_detector(model_file: str, force_cpu: bool = False) -> Loaded:
    if force_cpu:
        raise NotImplementedError
    return Loaded(model_file)


def get_detector_version_from_filename(detector_filename: str) -> str:
    return "v5a.0.1" if "v5a.0.1" in Path(detector_filename).name else "unknown"
