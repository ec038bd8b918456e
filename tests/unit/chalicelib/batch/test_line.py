"""Lines of a batch: their names, their text, and what they keep of an answer."""

import json

import pytest

from chalicelib.api.responses import ModelUsed, PackUsed, Timings
from chalicelib.batch.line import Line, answer_kept, models_of
from tests.support.records import ANSWER

BIRDS = ModelUsed(
    name="faunalens", version="71d949d78aae", packs=(PackUsed(name="birds", version="0123456789ab", milliseconds=4.2),)
)


def test_two_answers_to_one_photo_leave_the_same() -> None:
    # GIVEN the answers of two runs: other durations, another request, features from elsewhere
    first = {**ANSWER, "model": BIRDS}
    second = {
        **ANSWER,
        "model": {**BIRDS, "packs": ({**BIRDS["packs"][0], "milliseconds": 9.9},)},
        "timings_ms": Timings(photo=9, features=9, scoring=9, boxes=9, total=9),
        "features": {**ANSWER["features"], "cache": "memory"},
        "request_id": "another",
    }
    # THEN what lines keep of them is equal, and names the models
    kept = answer_kept(first)
    assert kept == answer_kept(second)
    assert models_of(kept) == {"faunalens": "71d949d78aae", "birds": "0123456789ab"}


def test_a_line_is_one_line_of_json_and_reads_back() -> None:
    answer, then = answer_kept(ANSWER), "2026-03-01T05:12:44+00:00"
    line = Line(photo="s3://b/inbox/é\n.jpg", hash="00", status="identified", answer=answer, identified=then)
    assert line.text.count("\n") == 1
    assert json.loads(line.text)["answer"]["prediction"]["name"] == "koala"
    assert (Line.parse(line.text).photo, Line.parse(line.text).text) == (line.photo, line.text)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"photo": "s3://b/k"}', '{"unknown": 1}'])
def test_what_is_no_line_is_refused(text: str) -> None:
    with pytest.raises((ValueError, TypeError)):
        Line.parse(text)
