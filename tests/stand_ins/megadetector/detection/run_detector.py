"""A stand-in for this module of the package megadetector 10.0.28: its weights are a file with all photos' boxes."""

import json
from pathlib import Path
from typing import Any

from PIL import Image


class load_detector:  # noqa: N801, a function that returns a detector in the package
    """A detector."""

    def __init__(self, model_file: str) -> None:
        print("loading")  # the package prints
        self.detections = json.loads(Path(model_file).read_text(encoding="utf-8"))

    def generate_detections_one_batch(
        self, img_original: list[Image.Image], image_id: list[str], detection_threshold: float
    ) -> list[dict[str, Any]]:
        shown = [each for each in self.detections if each["conf"] >= detection_threshold]
        failed, found = {"failure": "Failure inference", "detections": None}, {"detections": shown, "failure": None}
        sizes = zip(image_id, (max(image.size) for image in img_original), strict=True)
        return [{"file": name, **(found if side == 1280 else failed)} for name, side in sizes]


def get_detector_version_from_filename(detector_filename: str) -> str:
    return "v5a.0.1" if "v5a.0.1" in Path(detector_filename).name else "unknown"
