"""Stand-ins for the packages of other projects, whose weights are out of reach of tests, and weights for them.

This folder on `PYTHONPATH` puts them in the place of the packages.
"""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

STAND_INS = Path(__file__).parent
BLANK = "f1856211-cfb7-4a5b-9158-c0f72fd09ee6;;;;;;blank"
HUMAN = "990ae9dd-7a59-4344-afcb-1b7b21368000;mammalia;primates;hominidae;homo;sapiens;human"
VEHICLE = "e2895ed5-780b-48f6-8a11-9e27cb594511;;;;;;vehicle"
ANIMAL = "1f689929-883d-4dae-958c-3d57ab5b6c16;;;;;;animal"
GREY_FOX = "ffe603fc-4920-4302-96d0-65f708bd5b2d;mammalia;carnivora;canidae;urocyon;cinereoargenteus;grey fox"
KIT_FOX = "4457a0c6-cb68-44c0-9c27-ad08abe57755;mammalia;carnivora;canidae;vulpes;macrotis;kit fox"
CANIDS = "3184697f-51ad-4608-9a28-9edb5500159c;mammalia;carnivora;canidae;;;canine family"
BLACK_BEAR = "436ddfdd-bc43-44c3-a25d-34671d3430a0;mammalia;carnivora;ursidae;ursus;americanus;american black bear"
PANDA = "85662682-67c1-4ecb-ba05-ba12e2df6b65;mammalia;carnivora;ursidae;ailuropoda;melanoleuca;giant panda"
LABELS = (BLANK, HUMAN, VEHICLE, ANIMAL, GREY_FOX, KIT_FOX, CANIDS, BLACK_BEAR, PANDA)


def detection(category: str, conf: float, *bbox: float) -> dict[str, Any]:
    """Return a box as MegaDetector and SpeciesNet give it. `bbox`: left, top, width, height."""
    return {"category": category, "conf": conf, "bbox": list(bbox or (0.2, 0.3, 0.4, 0.4))}


def write_speciesnet(
    folder: Path, detections: Sequence[dict[str, Any]], *scores: Mapping[str, float], kind: str = "always_crop"
) -> Path:
    """Write weights with which SpeciesNet finds these boxes in all photos. `scores`: of each crop, by label."""
    rows = [[each.get(label, 0.0) for label in LABELS] for each in scores]
    content = {"version": "4.0.3a", "type": kind, "labels": LABELS, "detections": detections, "scores": rows}
    folder.mkdir(exist_ok=True)
    (folder / "info.json").write_text(json.dumps(content), encoding="utf-8")
    return folder


def write_megadetector(folder: Path, *detections: dict[str, Any]) -> Path:
    """Write weights with which MegaDetector finds these boxes in all photos."""
    path = folder / "md_v5a.0.1.json"
    path.write_text(json.dumps(detections), encoding="utf-8")
    return path


@contextmanager
def stand_ins() -> Iterator[None]:
    names = ("speciesnet", "megadetector")
    before = {name: sys.modules.pop(name) for name in list(sys.modules) if name.split(".")[0] in names}
    sys.path.insert(0, str(STAND_INS))
    try:
        yield
    finally:
        sys.path.remove(str(STAND_INS))
        for name in [name for name in list(sys.modules) if name.split(".")[0] in names]:
            del sys.modules[name]
        sys.modules.update(before)


@pytest.fixture
def packages() -> Iterator[None]:
    """Stand-ins in the place of the packages of other projects."""
    with stand_ins():
        yield
