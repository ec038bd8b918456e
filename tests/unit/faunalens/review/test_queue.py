"""Which events are reviewed, in which order, and how people split and merge them."""

from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faunalens.engines.place import EXIF
from faunalens.review.queue import Choice, Queue
from faunalens.study.finding import Observation
from faunalens.study.results import FileFacts, ListedPhoto, Outcome, ResultsFile
from faunalens.study.study import Study
from tests.support.studies import IMPALA, LION, answer, say, seen

RESULTS = (
    ("N/1", "2026-05-02 06:00:00", answer(IMPALA, 0.9)),
    ("N/2", "2026-05-02 06:00:30", answer(IMPALA, 0.6)),
    ("N/3", "2026-05-02 06:01:00", answer(IMPALA, 0.9)),
    ("N/4", "2026-05-02 07:00:00", answer(LION, 0.95)),
    ("N/5", "2026-05-02 08:00:00", answer(None, 0.0)),
    ("N/6", "2026-05-02 09:00:00", answer(IMPALA, 0.5)),
    ("S/card/7", "2026-05-02 06:00:00", answer(IMPALA, 0.8)),
)
"""Photos whose ids are their numbers: four events of one station, and one of another."""
BURST, RARE, EMPTY, AGAIN, SOUTH = [1, 2, 3], [4], [5], [6], [7]


def queue(results: ResultsFile, choice: Choice = Choice(), reviewer: str = "A. Person") -> Queue:  # noqa: B008
    return Queue(Study(results, 60), choice, reviewer)


def test_the_least_sure_event_comes_first_or_what_is_rare_at_its_station(results: ResultsFile) -> None:
    assert queue(results).events == [AGAIN, BURST, SOUTH, EMPTY, RARE]
    assert queue(results, Choice(most=2)).events == [AGAIN, BURST]
    assert queue(results, Choice("rarest")).events == [SOUTH, RARE, AGAIN, BURST, EMPTY]
    assert sorted(queue(results, Choice("random")).events) == [BURST, RARE, EMPTY, AGAIN, SOUTH]
    assert [Choice("random").drawn, Choice("rarest").drawn, Choice("random", of="second").drawn] == [True, False, False]


def test_an_event_comes_until_all_of_it_is_reviewed(results: ResultsFile) -> None:
    for path in ("N/4", "N/5", "S/card/7", "N/1", "N/3"):
        say(results, path, reviewer="B. Other")
    assert queue(results).events == [AGAIN, BURST]
    say(results, "N/2")
    assert queue(results).events == [AGAIN]


def test_a_second_opinion_is_on_what_others_have_reviewed(results: ResultsFile) -> None:
    # GIVEN photos that this reviewer, another one, and both have reviewed
    for path in ("N/4", "S/card/7"):
        say(results, path)
    for path in ("N/5", "S/card/7"):
        say(results, path, Observation("blank"), reviewer="B. Other")
    assert queue(results, Choice(of="second")).events == [EMPTY]
    assert sorted(queue(results, Choice(of="second"), "C. Third").events) == [RARE, EMPTY, SOUTH]
    # THEN disagreements are what both name differently
    assert queue(results, Choice(of="disagreements")).events == [SOUTH]
    say(results, "N/4", seen("Panthera leo"), reviewer="B. Other")
    assert queue(results, Choice(of="disagreements")).events == [SOUTH]


def test_an_event_has_neighbours_of_its_deployment(results: ResultsFile) -> None:
    found = queue(results)
    assert (found.event(2), found.before(BURST), found.after(BURST)) == (BURST, None, RARE)
    assert (found.before(EMPTY), found.after(EMPTY), found.after(AGAIN)) == (RARE, AGAIN, None)
    # THEN what is none cannot be merged or split
    for change, photo in ((found.merge, 1), (found.merge, 7), (found.split, 1)):
        with pytest.raises(ValueError, match="event"):
            change(photo)
    with pytest.raises(KeyError):
        found.event(99)
    # THEN nor is an event of another deployment, even if a photo went on with it before it got its own
    with results.transaction() as connection:
        connection.execute("insert into boundary values (7, 0)")
    assert found.event(7) == SOUTH


def test_a_long_event_is_reviewed_in_parts(results: ResultsFile, monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN a limit that the burst is beyond
    monkeypatch.setattr("faunalens.review.queue.LONGEST", 2)
    found = queue(results)
    assert [event for event in found.events if event[0] in BURST] == [[1, 2], [3]]
    assert (found.event(3), found.before([3])) == ([3], [1, 2])
    # WHEN one part is reviewed THEN the other one is left, and studies have one event
    for path in ("N/1", "N/2"):
        say(results, path)
    assert [event for event in queue(results).events if event[0] in BURST] == [[3]]
    assert len(list(Study(results, 60).events())) == 5


@settings(max_examples=20)
@given(st.lists(st.tuples(st.booleans(), st.integers(1, 8)), max_size=12))
def test_a_queue_and_a_study_agree_on_events_whatever_is_split_and_merged(changes: list[tuple[bool, int]]) -> None:
    # GIVEN eight photos of two stations, some of them within a minute
    with ResultsFile(None, write=True) as results:
        results.find(ListedPhoto(f"{'NS'[i > 5]}/{i}", i, 1, None, EXIF, 0.0) for i in range(1, 9))
        for task in list(results.tasks()):
            facts = FileFacts(1, 1, f"2026-05-02 06:0{task.id // 2}:00")
            results.save(Outcome(task, "done", checksum=task.id, facts=facts, answer=answer(IMPALA)))
        found, twin = queue(results), queue(results)
        # WHEN events are split and merged at will, in two browsers
        for splits, photo in changes:
            with suppress(ValueError):
                (found.split if splits else twin.merge)(photo)
        # THEN the study has the same events, each with the ones next to it
        events = [[photo.id for photo in event] for event in Study(results, 60).events()]
        assert [found.event(event[-1]) for event in events] == [twin.event(event[0]) for event in events] == events
        for one, other in pairwise(events):
            is_same = (one[0] > 5) == (other[0] > 5)
            assert (found.after(one), found.before(other)) == ((other, one) if is_same else (None, None))
