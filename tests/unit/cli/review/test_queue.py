"""Which events are reviewed, in which order, and how people split and merge them."""

from collections.abc import Iterator
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cli.place import EXIF
from cli.results import FileFacts, ListedPhoto, Outcome, ResultsFile
from cli.review.queue import Choice, Queue
from cli.study.opinions import Observation
from cli.study.study import Study
from tests.support.studies import IMPALA, LION, answer, say, seen, write_study

BURST, RARE, EMPTY, SOUTH = ("N/1", "N/2", "N/3"), ("N/4",), ("N/5",), ("S/card/1",)
PHOTOS = (
    ("N/1", "2026-05-02 06:00:00", answer(IMPALA, 0.9)),
    ("N/2", "2026-05-02 06:00:30", answer(IMPALA, 0.6)),
    ("N/3", "2026-05-02 06:01:00", answer(IMPALA, 0.9)),
    ("N/4", "2026-05-02 07:00:00", answer(LION, 0.95)),
    ("N/5", "2026-05-02 08:00:00", answer(None, 0.0)),
    ("N/6", "2026-05-02 09:00:00", answer(IMPALA, 0.5)),
    ("S/card/1", "2026-05-02 06:00:00", answer(IMPALA, 0.8)),
)
AGAIN = ("N/6",)
LEAST_SURE = Choice()


@pytest.fixture
def results(tmp_path: Path) -> Iterator[ResultsFile]:
    """Four events of one station, and one of another."""
    write_study(tmp_path / "study.db", PHOTOS)
    with ResultsFile(tmp_path / "study.db", write=True) as results:
        yield results


def queue(results: ResultsFile, choice: Choice = LEAST_SURE, reviewer: str = "A. Person") -> Queue:
    return Queue(results, Study(results, 60), choice, reviewer)


def events(results: ResultsFile, choice: Choice = LEAST_SURE, reviewer: str = "A. Person") -> list[tuple[str, ...]]:
    return [named(results, event) for event in queue(results, choice, reviewer).events]


def named(results: ResultsFile, event: list[int] | None) -> tuple[str, ...]:
    paths = {row["id"]: row["path"] for row in results.rows("select id, path from photo")}
    return tuple(paths[each] for each in event or ())


def number(results: ResultsFile, path: str) -> int:
    return next(int(row["id"]) for row in results.rows("select id from photo where path = ?", path))


def test_the_least_sure_event_comes_first_or_what_is_rare_at_its_station(results: ResultsFile) -> None:
    assert events(results) == [AGAIN, BURST, SOUTH, EMPTY, RARE]
    assert events(results, Choice(most=2)) == [AGAIN, BURST]
    assert events(results, Choice("rarest")) == [SOUTH, RARE, AGAIN, BURST, EMPTY]


def test_random_events_are_some_of_all(results: ResultsFile) -> None:
    assert sorted(events(results, Choice("random"))) == sorted([BURST, RARE, EMPTY, AGAIN, SOUTH])
    assert len(events(results, Choice("random", 2))) == 2
    assert [Choice("random").drawn, Choice("rarest").drawn, Choice("random", of="second").drawn] == [True, False, False]


def test_an_event_comes_until_all_of_it_is_reviewed(results: ResultsFile) -> None:
    for path in ("N/4", "N/5", "S/card/1", "N/1", "N/3"):
        say(results, path, reviewer="B. Other")
    assert events(results) == [AGAIN, BURST]
    say(results, "N/2")
    assert events(results) == [AGAIN]


def test_a_second_opinion_is_on_what_others_have_reviewed(results: ResultsFile) -> None:
    # GIVEN photos that this reviewer, another one, and both have reviewed
    say(results, "N/4")
    say(results, "N/5", reviewer="B. Other")
    for reviewer in ("A. Person", "B. Other"):
        say(results, "S/card/1", reviewer=reviewer)
    assert events(results, Choice(of="second")) == [EMPTY]
    assert set(events(results, Choice(of="second"), "C. Third")) == {EMPTY, SOUTH, RARE}


def test_disagreements_are_what_reviewers_name_differently(results: ResultsFile) -> None:
    for path, other in (("N/4", seen("Panthera leo")), ("S/card/1", Observation("blank"))):
        say(results, path)
        say(results, path, other, reviewer="B. Other")
    assert events(results, Choice(of="disagreements")) == [SOUTH]


def test_events_are_split_and_merged_again(results: ResultsFile) -> None:
    found = queue(results)
    burst = found.event(number(results, "N/2"))
    # WHEN its second photo begins an event THEN there are two, in studies too
    assert [named(results, each) for each in found.split(burst[1])] == [("N/1",), ("N/2", "N/3")]
    assert ("N/2", "N/3") in events(results)
    # THEN another queue that was made before knows
    other = queue(results)
    # WHEN they are merged THEN it is one again
    assert [named(results, each) for each in found.merge(burst[1])] == [BURST]
    assert named(results, other.event(burst[2])) == BURST
    # WHEN the one after is merged with it THEN the gap does not count
    assert [named(results, each) for each in found.merge(number(results, "N/4"))] == [(*BURST, *RARE)]
    assert named(results, found.before(found.event(number(results, "N/5")))) == (*BURST, *RARE)


def test_an_event_has_neighbours_of_its_deployment(results: ResultsFile) -> None:
    found = queue(results)
    burst, empty = (found.event(number(results, path)) for path in ("N/1", "N/5"))
    assert (found.before(burst), named(results, found.after(burst))) == (None, RARE)
    assert (named(results, found.before(empty)), named(results, found.after(empty))) == (RARE, AGAIN)
    assert found.after(found.event(number(results, "N/6"))) is None
    # THEN what is none cannot be merged or split
    for change, path in ((found.merge, "N/1"), (found.merge, "S/card/1"), (found.split, "N/1")):
        with pytest.raises(ValueError, match="event"):
            change(number(results, path))
    with pytest.raises(KeyError):
        found.event(99)


def test_a_long_event_is_reviewed_in_parts(results: ResultsFile, monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN a limit that the burst is beyond
    monkeypatch.setattr("cli.review.queue.LONGEST", 2)
    assert [event for event in events(results) if event[0] in BURST] == [("N/1", "N/2"), ("N/3",)]
    found = queue(results)
    third = found.event(number(results, "N/3"))
    assert (named(results, third), named(results, found.before(third))) == (("N/3",), ("N/1", "N/2"))
    # WHEN one part is reviewed THEN the other one is left, and studies have one event
    for path in ("N/1", "N/2"):
        say(results, path)
    assert [event for event in events(results) if event[0] in BURST] == [("N/3",)]
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
        found = queue(results)
        # WHEN events are split and merged at will
        for splits, photo in changes:
            with suppress(ValueError):
                (found.split if splits else found.merge)(photo)
        # THEN the study has the same events, each with the ones next to it
        events = [[photo.id for photo in event] for event in Study(results, 60).events()]
        assert [found.event(event[-1]) for event in events] == events
        for one, other in pairwise(events):
            is_same = (one[0] > 5) == (other[0] > 5)
            assert (found.after(one), found.before(other)) == ((other, one) if is_same else (None, None))
