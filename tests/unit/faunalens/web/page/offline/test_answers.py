"""The answer that the page makes of what the rule's graph says is the server's."""

import json
from functools import cache
from typing import Any

import numpy as np
import onnxruntime
import pytest

from model.rule.build import RuleFiles
from tests.unit.faunalens.web.page.node import run
from tests.unit.model.rule.offline_cases import NOWHERE, Case, Golden


@pytest.fixture(scope="module")
def golden() -> Golden:
    return Golden(RuleFiles.of_release())


@cache
def session_of(golden: Golden, packs: tuple[str, ...]) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(golden.rule.files[golden.rule.graphs[packs]])


def said(golden: Golden, case: Case, packs: tuple[str, ...]) -> dict[str, Any]:
    """What the graph says, as recognise.js has it."""
    session = session_of(golden, packs)
    names = [each.name for each in session.get_outputs()]
    outputs = session.run(names, golden.feeds(case, packs))
    return {
        name: each.item() if each.size == 1 else each.ravel().tolist()
        for name, each in zip(names, outputs, strict=True)
    }


def found_at(case: Case) -> dict[str, Any] | None:
    """What lives at a place, as ranges.js has it."""
    if case.place == NOWHERE:
        return None
    found = case.features.found
    return {
        "animals": [
            {"id": animal, "weight": weight, "status": status}
            for animal, weight, status in zip(
                found.animals.tolist(), found.weights.tolist(), found.status.tolist(), strict=True
            )
        ],
        "unknown": found.unknown.tolist(),
        "relatives": found.relatives.tolist(),
        "areas": list(found.areas),
        "version": "golden",
    }


def test_answers_are_the_servers(golden: Golden) -> None:
    # GIVEN real scores of photos, at places and without one
    table = json.loads(golden.rule.files["rule.json"])
    cases = list(golden.cases())
    expected = [golden.answer(case) for case in cases]
    seen = {"width": 260, "height": 260, "pixels": np.random.default_rng(1).integers(0, 255, 202800, dtype=np.uint8)}
    places = run(
        *(("offline/place.js", "placeWith", found_at(case), {"shared": "table"}) for case in cases), table=table
    )
    # WHEN the page makes an answer of what the graph says
    calls = []
    for case, place, answer in zip(cases, places, expected, strict=True):
        packs = tuple(answer["packs"])
        found = {"said": said(golden, case, packs), "packs": list(packs), "boxes": None}
        more = {"table": {"shared": "table"}, "side": 1000, "milliseconds": 1}
        calls.append(("offline/answer.js", "answerOf", found | {"seen": {"shared": "seen"}}, place, more))
    answers = run(*calls, table=table, seen=seen)
    # THEN they are those of the server, which rounds a half in another way
    for case, mine, theirs in zip(cases, answers, expected, strict=True):
        for part in ("subject", "prediction", "perhaps", "candidates", "reasons"):
            assert mine[part] == about(json.loads(json.dumps(theirs[part]))), (case.number, case.place)


def about(value: Any) -> Any:
    """What is equal to a part of an answer but for the last decimal."""
    if isinstance(value, float):
        return pytest.approx(value, abs=2e-4)
    if isinstance(value, dict):
        return {key: about(each) for key, each in value.items()}
    return [about(each) for each in value] if isinstance(value, list) else value
