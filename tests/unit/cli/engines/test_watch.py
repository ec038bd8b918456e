"""The answer for a video: the best frame of each animal and kind that its frames show together."""

import json
from typing import Any

from cli.engines.watch import Seen, answer_of_frames
from cli.study.finding import Finding, of_answer
from testing.studies import BOVIDS, IMPALA, LION, answer
from tests.unit.cli.copy.test_command import animal, person


def watched(*answers: str) -> tuple[dict[str, Any], Finding]:
    frames = [Seen(10 * number, float(number), json.loads(text)) for number, text in enumerate(answers)]
    whole = answer_of_frames(frames, 10.0, 4.5)
    return whole, of_answer(whole, "2026-05-02T06:00:00+00:00")


def test_the_surest_frame_of_the_animal_answers() -> None:
    whole, found = watched(answer(None), answer(LION, 0.7), answer(LION, 0.95), answer(None))
    assert found.named is not None
    assert (found.named.name, found.named.score, found.parts) == ("lion", 0.95, ())
    assert found.clip is not None
    assert (found.clip.frame, found.clip.seconds, found.clip.processed) == (20, 2.0, (0, 10, 20, 30))
    assert (found.clip.fps, found.clip.duration) == (10.0, 4.5)
    # THEN the answer is otherwise as the model gave it, also for those who read it alone
    assert {key: value for key, value in whole.items() if key != "video"} == json.loads(answer(LION, 0.95))


def test_of_frames_that_are_as_sure_the_one_with_most_animals_answers() -> None:
    two = answer(LION, 0.9, subject="animal", animals=[animal(0.1, LION), animal(0.6, LION)])
    one = answer(LION, 0.9, subject="animal", animals=[animal(0.1, LION)])
    _, found = watched(one, two, one)
    assert found.clip is not None
    assert (found.clip.frame, len(found.each)) == (10, 2)


def test_a_slip_does_not_name_the_video() -> None:
    # GIVEN an impala that one frame takes for a lion, which the others exclude
    slip = answer(LION, 0.5, [(LION, 0.5), (IMPALA, 0.4)])
    _, found = watched(slip, answer(IMPALA, 0.95), answer(BOVIDS, 0.9, [(IMPALA, 0.6)]))
    assert [part.named and part.named.name for part in found.each] == ["impala"]


def test_what_other_frames_show_besides_is_there_with_its_frame() -> None:
    both = person(0.9) | {"subject": "animal"}
    _, found = watched(answer(LION, 0.95), answer(None, **person(0.9)), answer(IMPALA, 0.95), answer(LION, 0.8, **both))
    assert [(part.kind, part.named and part.named.name, part.clip and part.clip.frame) for part in found.each] == [
        ("animal", "lion", 0),
        ("animal", "impala", 20),
        ("human", None, 10),
    ]
    assert found.shows_people


def test_a_video_that_shows_nothing_is_blank() -> None:
    _, found = watched(answer(None), answer(None))
    assert (found.kind, found.parts, found.clip and found.clip.frame) == ("blank", (), 0)
    # AND what is too faint to be said has a frame too, as MegaDetector's format demands
    assert all(part.clip for part in found.faint)
