"""Lines of a batch: their names, their text, and what they keep of an answer."""

import json
from dataclasses import asdict, replace

import pytest

from chalicelib.api.responses import ModelUsed, PackUsed, Timings
from chalicelib.batch.line import Line, answer_kept, models_of
from tests.support.records import ANSWER

BIRDS = ModelUsed("faunalens", "71d949d78aae", (PackUsed("birds", "0123456789ab", 4.2),))


def test_two_answers_to_one_photo_leave_the_same() -> None:
    # GIVEN the answers of two runs: other durations, another request, features from elsewhere
    first = replace(ANSWER, model=BIRDS)
    slower = replace(BIRDS, packs=(replace(BIRDS.packs[0], milliseconds=9.9),))
    second = replace(ANSWER, model=slower, timings_ms=Timings(9, 9, 9, 9, 9), request_id="another")
    second = replace(second, features=replace(ANSWER.features, cache="memory"))
    # THEN what lines keep of them is equal, and names the models
    kept = answer_kept(asdict(first))
    assert kept == answer_kept(asdict(second))
    assert models_of(kept) == {"faunalens": "71d949d78aae", "birds": "0123456789ab"}


def test_a_line_is_one_line_of_json_and_reads_back() -> None:
    answer, then = answer_kept(asdict(ANSWER)), "2026-03-01T05:12:44+00:00"
    line = Line(photo="s3://b/inbox/é\n.jpg", hash="00", status="identified", answer=answer, identified=then)
    assert line.text.count("\n") == 1
    assert json.loads(line.text)["answer"]["prediction"]["name"] == "koala"
    assert (Line.parse(line.text).photo, Line.parse(line.text).text) == (line.photo, line.text)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"photo": "s3://b/k"}', '{"unknown": 1}'])
def test_what_is_no_line_is_refused(text: str) -> None:
    with pytest.raises((ValueError, TypeError)):
        Line.parse(text)
