"""What the page decides by itself without signal is what the server decides: boxes, means of looks, reasons."""

from itertools import product
from types import SimpleNamespace
from typing import Any, get_args

import numpy as np
import pytest

from chalicelib.api import words
from chalicelib.api.answers import class_map_of
from chalicelib.api.words import reasons_of
from chalicelib.config.settings import ROOT
from chalicelib.lazy import Lazy
from chalicelib.model import detector
from chalicelib.model.certainty import Subject
from chalicelib.model.detector import KINDS, Detector
from chalicelib.model.manifest import DETECTOR, read_manifests
from chalicelib.model.models import mean_of
from chalicelib.model.naming import Decision, Member, Possible
from chalicelib.model.recogniser import STRONG, SURE, ClassMap, needs_second_look, place_in
from chalicelib.model.session import Scores
from chalicelib.model.taxonomy import Prediction, Taxon
from chalicelib.photo.pixels import FEWEST_PIXELS, Quality
from tests.unit.faunalens.web.page.node import run

WIDE = 3
"""The level from which a name is wide, as model/rule has it."""


class _Outputs:
    """A session of a detector that has these outputs for every photo."""

    def __init__(self, boxes: Any, scores: Any) -> None:
        self.outputs = boxes, scores

    def run(self, *_: Any) -> Any:
        return self.outputs

    def get_inputs(self) -> Any:
        return [SimpleNamespace(shape=[1, "H", "W", 3])]


def test_the_boxes_of_a_photo_are_those_that_the_server_finds() -> None:
    # GIVEN a detector's outputs: many boxes, of which some overlap, lie outside, or have no area
    random = np.random.default_rng(3)
    manifest = next(
        each for each in read_manifests(ROOT / "model/packs") if each.kind == DETECTOR and not each.camera_traps
    )
    server = Detector(manifest)
    boxes = random.uniform(-20, 440, (1, 300, 4)).astype(np.float32)
    boxes[0, :40, 2:] = 0
    scores = (random.random((1, 300, 80)) ** 40).astype(np.float32)
    server._session = Lazy(lambda: _Outputs(boxes, scores))
    frame = np.zeros((312, 416, 3), np.uint8)
    rule = {"classes": server.classes, "most": detector.MOST, "SCORE": detector.SCORE, "OVERLAP": detector.OVERLAP}
    # WHEN
    outputs = {"boxes": boxes[0], "scores": scores[0]}
    (found,) = run(("offline/detections.js", "found", outputs, {"width": 416, "height": 312}, rule))
    # THEN
    expected = server.find(frame)
    assert len(expected) > 20
    for kind in KINDS:
        mine = [(box["left"], box["top"], box["right"], box["bottom"], box["score"]) for box in found[kind]]
        theirs = [(*box.corners.tolist(), box.score) for box in expected if box.kind == kind]
        assert np.array(mine) == pytest.approx(np.array(theirs), abs=1e-6)


def test_the_mean_of_looks_is_the_servers() -> None:
    random = np.random.default_rng(5)
    rows = [row.astype(np.float32) for row in random.dirichlet(np.full(40, 0.05), 3)]
    (mean, alone) = run(("offline/recognise.js", "meanOf", rows), ("offline/recognise.js", "meanOf", rows[:1]))
    assert mean == pytest.approx(mean_of(rows).tolist(), abs=1e-6)
    assert alone == pytest.approx(rows[0].tolist())


@pytest.mark.parametrize("seed", range(3))
def test_the_second_look_is_where_the_first_one_saw_most_of_an_animal(seed: int) -> None:
    found = np.random.default_rng(seed).normal(size=(9, 9)).astype(np.float32)
    scores = Scores(found, found, 0.9, activation_map=found)
    place, shown = run(
        ("offline/recognise.js", "placeIn", found, STRONG), ("offline/answer.js", "classMapOf", found, 0.9)
    )
    assert (place["x"], place["y"]) == pytest.approx(place_in(scores))
    # AND the page can show it
    expected = class_map_of(ClassMap(0.9, found))
    assert expected is not None
    assert np.array(shown["rows"]) == pytest.approx(np.array(expected["rows"]), abs=0.011)


def _predicted(level: int, score: float) -> Prediction | None:
    """A prediction of a level: none, a species, or an order."""
    lineage = (Taxon("order", "Carnivora", "order"), Taxon("family", "Felidae", "family"))
    if level < 0:
        return None
    return Prediction(lineage[-1], score, lineage) if level < WIDE else Prediction(lineage[0], score, lineage[:1])


@pytest.mark.parametrize("subject", get_args(Subject))
def test_the_reasons_of_a_wide_answer_are_the_servers(subject: Subject) -> None:
    # GIVEN every combination of what the reasons depend on
    flags = [False, True]
    cases = list(product([-1, 0, 4], [0, 1, 2], flags, flags, flags, flags, flags, flags, [None, 0.01, 0.3]))
    limits = {"quality": {"FEWEST_PIXELS": FEWEST_PIXELS}, "words": {"SMALL_SHARE": words.SMALL_SHARE}}
    table = {"wide": WIDE, **limits}
    calls, expected = [], []
    member = Member("a", "a", "A")
    for level, listed, widened, elsewhere, small, dark, soft, grey, share in cases:
        pixels = 100 if small else 900
        said = {
            "taxon": level,
            "level": level,
            "widened": int(widened),
            "looks_like": 7 if elsewhere else -1,
            "perhaps": [3] * listed + [-1] * (3 - listed),
        }
        shown = {"pixels": pixels, "dark": dark, "soft": soft, "infrared": grey}
        surest = None if share is None else {"left": 0, "top": 0, "right": share, "bottom": 1}
        given = {"subject": subject, "said": said, "quality": shown, "surest": surest}
        calls.append(("offline/answer.js", "reasonsOf", given, table))
        perhaps = tuple(Possible("a", "a", "A", "family", 0.5, ()) for _ in range(listed))
        decision = Decision(
            _predicted(level, 0.9), perhaps, is_widened=widened, looks_like=member if elsewhere else None
        )
        expected.append(list(reasons_of(subject, decision, Quality(pixels, dark, soft, grey), share)))
    # WHEN THEN
    assert run(*calls) == expected


def test_a_photo_gets_a_second_look_as_on_the_server() -> None:
    rule = {"wide": WIDE, "second_look": {"SURE": SURE}}
    cases = list(product([-1, 0, 2, 3], [0.5, 0.79, 0.8, 0.95]))
    said = [{"taxon": level, "level": level, "score": score} for level, score in cases]
    found = run(*(("offline/recognise.js", "isDoubtful", each, rule) for each in said))
    assert found == [needs_second_look(_predicted(*case)) for case in cases]
