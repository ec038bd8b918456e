"""Opinions of several reviewers, and of several animals."""

from dataclasses import replace
from typing import Any

import pytest

from faunalens.study.event import found_in
from faunalens.study.finding import Finding, Observation, Opinion
from faunalens.study.results import ResultsFile
from faunalens.study.reviews import Precision, precision, save, wilson, withdraw
from faunalens.study.study import Study
from tests.support.studies import DEER, IMPALA, MAMMAL, animal, answer, box, boxes, say

DOE = Observation("animal", *DEER, count=1, sex="female", life_stage="adult", behavior="vigilance", note="limps")
FAWNS = Observation("animal", *DEER, count=2, life_stage="juvenile", behavior="running")
FIRST, SECOND, LATER = ("N/1.jpg", "N/2.jpg", "N/3.jpg")
IN_A_BOX: dict[str, Any] = {"subject": "animal", "animals": [animal(0.1, IMPALA)]}
RESULTS = (
    (FIRST, "2026-05-02 06:00:00", answer(IMPALA, **IN_A_BOX, people=boxes(box(0.1)))),
    (SECOND, "2026-05-02 06:00:10", answer(IMPALA, **IN_A_BOX)),
    (LATER, "2026-05-02 07:00:00", answer(IMPALA, **IN_A_BOX)),
)
"""Two photos of a burst and one of an hour later, each with an impala in a box; the first with a person too."""


def findings(results: ResultsFile) -> dict[str, Finding]:
    return {photo.path: photo.finding for photo in Study(results, 60).photos()}


def test_the_newest_opinion_answers_and_the_other_stays(results: ResultsFile) -> None:
    # GIVEN two reviewers, the first of whom changes the opinion
    say(results, FIRST, DOE, FAWNS, at="2026-06-01")
    say(results, FIRST, Observation("blank"), reviewer="B. Other", at="2026-06-02")
    assert (findings(results)[FIRST].kind, findings(results)[FIRST].by) == ("blank", "B. Other")
    say(results, FIRST, FAWNS, at="2026-06-03")
    # THEN the last one counts, and each has one opinion
    assert findings(results)[FIRST].by == "A. Person"
    assert [tuple(row) for row in results.rows("select reviewer, kind, count from review order by reviewer")] == [
        ("A. Person", "animal", 2),
        ("B. Other", "blank", None),
    ]
    # WHEN it is withdrawn THEN the other's answers again
    withdraw(results, [1], "A. Person")
    assert findings(results)[FIRST].by == "B. Other"


def test_one_opinion_of_many_photos_is_one_transaction(results: ResultsFile) -> None:
    # GIVEN photos of which one is not there THEN nothing is kept
    with pytest.raises(KeyError):
        save(results, [1, 2, 99], Opinion("A. Person", "2026", (DOE,)))
    assert not any(each.is_human for each in findings(results).values())
    save(results, [1, 2], Opinion("A. Person", "2026", (DOE,)))
    found = findings(results)
    # THEN people whom the models found are still there if the animal alone was named, and gone if nothing is
    assert [(each.is_human, each.shows_people) for each in found.values()] == [
        (True, True),
        (True, False),
        (False, False),
    ]
    say(results, FIRST, Observation("blank"))
    assert not findings(results)[FIRST].shows_people


def test_accepting_is_all_that_the_models_found(results: ResultsFile) -> None:
    # GIVEN a photo with boxes of an animal and a person
    say(results, FIRST)
    found = findings(results)[FIRST]
    assert [(part.kind, part.count, part.is_human) for part in found.each] == [("animal", 1, True), ("human", 1, True)]
    # THEN the machine was right, and photos of a burst are one for the interval
    say(results, SECOND)
    say(results, LATER, Observation("blank"))
    assert precision(results, drawn=False) == [Precision("Aepyceros melampus", 3, 2, *wilson(2 / 3 * 2, 2))]


def test_an_event_has_what_people_counted(results: ResultsFile) -> None:
    def of_event() -> list[tuple[object, ...]]:
        event = next(Study(results, 60).events())
        found = found_in([photo.finding for photo in event], by_traits=True)
        return [
            (each.named and each.named.name, each.count, each.said.sex, each.said.life_stage, each.said.behavior)
            for each in found
        ]

    # GIVEN deer in the second photo THEN the event has the largest number of each age
    say(results, FIRST, DOE, FAWNS)
    say(results, SECOND, replace(FAWNS, count=1, behavior="grazing"), replace(DOE, behavior="walking"))
    assert of_event() == [
        ("deer", 1, "female", "adult", "vigilance|walking"),
        ("deer", 2, None, "juvenile", "running|grazing"),
    ]
    # WHEN one photo says neither sex nor age THEN it shows the same animals
    say(results, SECOND, Observation("animal", *DEER))
    assert [each[1:4] for each in of_event()] == [(1, "female", "adult"), (2, None, "juvenile")]
    # WHEN it shows some of which nothing is said beside others THEN they are others
    say(results, SECOND, DOE, Observation("animal", *DEER, count=4))
    assert [each[1:4] for each in of_event()] == [(1, "female", "adult"), (2, None, "juvenile"), (4, None, None)]
    # WHEN a person counts in one photo only THEN that is the number
    say(results, FIRST, replace(DOE, count=3))
    say(results, SECOND, Observation("animal", *DEER))
    assert [each[1] for each in of_event()] == [3]


def test_an_event_has_every_taxon_that_a_person_saw(results: ResultsFile) -> None:
    def of_event() -> set[tuple[object, ...]]:
        found = found_in([photo.finding for photo in next(Study(results, 3600).events())])
        return {(each.named and each.named.scientific_name, each.count) for each in found}

    # GIVEN a mammal in most photos, of which one shows that it is a deer THEN the event is of a deer
    mammal, deer = Observation("animal", *MAMMAL, count=1), Observation("animal", *DEER, count=7)
    for photo in (FIRST, SECOND):
        say(results, photo, mammal)
    say(results, LATER, deer)
    assert of_event() == {("Cervidae", 7)}
    # WHEN both are in one photo THEN they are two, and are not counted together
    say(results, LATER, deer, replace(mammal, count=2))
    assert of_event() == {("Cervidae", 7), ("Mammalia", 2)}
