"""What people say of photos: what is kept of it, what it says of the models, and how far reviewers agree."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faunalens.study.event import found_in
from faunalens.study.finding import Finding, Observation, Opinion, of_answer
from faunalens.study.results import ResultsFile
from faunalens.study.reviews import Precision, agreement, kappa_of, precision, save, taxon_chosen, wilson, withdraw
from faunalens.study.study import Study
from faunalens.tables.summary import summary_of
from faunalens.taxa.taxa import ScoredTaxon
from tests.support.studies import DEER, IMPALA, MAMMAL, PHOTOS, animal, answer, box, boxes, say, seen, taxon

DOE = Observation("animal", *DEER, count=1, sex="female", life_stage="adult", behavior="vigilance", note="limps")
FAWNS = Observation("animal", *DEER, count=2, life_stage="juvenile", behavior="running")
FIRST, SECOND, LATER = ("A/1.jpg", "A/2.jpg", "A/3.jpg")
IN_A_BOX: dict[str, Any] = {"subject": "animal", "animals": [animal(0.1, IMPALA)]}
BURST = (
    (FIRST, "2026-05-02 06:00:00", answer(IMPALA, **IN_A_BOX, people=boxes(box(0.1)))),
    (SECOND, "2026-05-02 06:00:10", answer(IMPALA, **IN_A_BOX)),
    (LATER, "2026-05-02 07:00:00", answer(IMPALA, **IN_A_BOX)),
)
"""Two photos of a burst and one of an hour later, each with an impala in a box; the first with a person too."""
IMPALA_1, BOVIDS, LION = "N/IMG_0001.JPG", "N/IMG_0002.JPG", "S/card/IMG_0001.JPG"
SEVERAL = [f"Z/{number}.jpg" for number in range(10)]
RESULTS = (*BURST, *PHOTOS, *((path, None, answer(IMPALA)) for path in SEVERAL))
IDS = range(len(BURST) + len(PHOTOS) + 1, len(RESULTS) + 1)  # of the several


def findings(results: ResultsFile) -> dict[str, Finding]:
    """Return what the photos of the burst and the one after it show."""
    return {photo.path: photo.finding for photo in Study(results, 60).photos() if photo.deployment == "A"}


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


def test_a_wider_taxon_is_right_if_the_animal_belongs_to_it(results: ResultsFile) -> None:
    say(results, BOVIDS, seen("Aepyceros melampus"), drawn=True)
    say(results, IMPALA_1, seen("Panthera leo"), drawn=True)
    found = {each.taxon: (each.right, each.reviewed) for each in precision(results, drawn=True)}
    assert found == {"Bovidae": (1, 1), "Aepyceros melampus": (0, 1)}
    # THEN only photos drawn at random count for the precision of all
    say(results, LION)
    assert [len(precision(results, drawn=drawn)) for drawn in (True, False)] == [2, 3]


def test_the_newest_opinion_on_a_photo_that_was_drawn_decides(results: ResultsFile) -> None:
    # GIVEN a lion that one drew at random, and took for a cheetah
    say(results, LION, seen("Acinonyx jubatus"), drawn=True)
    for right, reviewer, observed in ((1, "B. Other", "Panthera leo"), (0, "A. Person", "Acinonyx jubatus")):
        # WHEN another names it, and then the first one again, in a review of what they disagree about
        say(results, LION, seen(observed), reviewer=reviewer, at=f"2026-06-0{3 - right}T12:00:00+00:00")
        # THEN the photo stays drawn, and what was said last counts
        assert [(each.reviewed, each.right) for each in precision(results, drawn=True)] == [(1, right)]


def test_a_typed_name_is_neither_right_nor_wrong(results: ResultsFile) -> None:
    # GIVEN an animal that a person calls something THEN the report has it on its own
    say(results, LION, Observation("animal", "olingo, perhaps new"), drawn=True)
    groups = summary_of(Study(results, 60)).groups.values()
    typed = [(each.name, each.photos) for each in groups if each.scientific_name == "Animalia"]
    assert typed == [("olingo, perhaps new", 1)]
    assert precision(results, drawn=True) == []
    say(results, LION, reviewer="B. Other", at="2026-05-31T12:00:00+00:00")  # an older opinion does not decide
    assert precision(results, drawn=True) == []
    # THEN in an event of two photos, of which a person names one, the other photo keeps its name
    say(results, IMPALA_1, Observation("animal", "olingo"))
    event = next(each for each in Study(results, 60).events() if each[0].path == IMPALA_1)
    named = [each.named.name for each in found_in([photo.finding for photo in event]) if each.named]
    assert sorted(named) == ["antelope, ox or sheep", "olingo"]


def test_what_another_model_called_it_can_be_chosen() -> None:
    # GIVEN a genus that only another program knows
    said = {"by": "net 1", "kind": "animal", "score": 0.5, **taxon(("nobody", "Nullius", "genus"))}
    found = of_answer(json.loads(answer(None, others=[said])), "")
    # WHEN a reviewer chooses it THEN it has its name and rank
    assert taxon_chosen("Nullius", [found]) == ScoredTaxon("nobody", "Nullius", "genus", 1.0)


@pytest.mark.parametrize(
    ("right", "reviewed", "low", "high"),
    [(0, 10, 0.0, 0.278), (10, 10, 0.722, 1.0), (1, 2, 0.095, 0.905), (81, 263, 0.255, 0.366)],
)
def test_the_interval_is_wilsons(right: int, reviewed: int, low: float, high: float) -> None:
    # The last row is the example of R. G. Newcombe, Statistics in Medicine 17 (1998), table I.
    assert wilson(right, reviewed) == pytest.approx((low, high), abs=5e-4)


@given(st.dictionaries(st.tuples(*[st.sampled_from("abc")] * 2), st.integers(1, 50), min_size=1))
def test_kappa_is_one_only_if_all_are_alike(pairs: dict[tuple[str, str], int]) -> None:
    kappa = kappa_of(pairs)
    assert kappa is None or -1 <= kappa <= 1
    is_alike = all(one == other for one, other in pairs)
    assert is_alike == (kappa is None or kappa == pytest.approx(1))


def test_species_are_compared_and_what_is_wider_stays_wider(results: ResultsFile) -> None:
    said = [
        (seen("Canis lupus"), seen("Canis lupus arctos"), True),
        (seen("Vulpes vulpes"), seen("Vulpes"), False),
        (Observation("animal", "Olingo"), Observation("animal", "olingo"), True),
        (seen("Vulpes vulpes"), Observation("blank"), False),
        (seen("Canidae"), seen("Canidae"), True),
    ]
    for number, (one, other, _) in enumerate(said):
        say(results, SEVERAL[number], one)
        say(results, SEVERAL[number], other, reviewer="B. Other")
    # GIVEN photos that one person has reviewed too
    say(results, SEVERAL[8], seen("Canidae"))
    pairs, disagreements = agreement(results)
    assert [(each.one, each.other, each.photos, each.alike) for each in pairs] == [("A. Person", "B. Other", 5, 3)]
    assert disagreements == [IDS[number] for number, (_, _, alike) in enumerate(said) if not alike]


def test_all_animals_of_a_photo_count_and_not_how_many(results: ResultsFile) -> None:
    fox, person = seen("Vulpes vulpes"), Observation("human", count=2)
    for photo, other in enumerate([(Observation("human"), fox), (fox,)]):
        say(results, SEVERAL[photo], fox, person)
        say(results, SEVERAL[photo], *other, reviewer="B. Other")
    assert agreement(results).disagreements == [IDS[1]]


def test_three_reviewers_are_three_pairs(results: ResultsFile) -> None:
    for reviewer, photos in {"A": 3, "B": 3, "C": 2}.items():
        for number in range(photos):
            say(results, SEVERAL[number], seen("Vulpes vulpes"), reviewer=reviewer)
    pairs, disagreements = agreement(results)
    assert [each[:3] for each in pairs] == [("A", "B", 3), ("A", "C", 2), ("B", "C", 2)]
    assert ({each.kappa for each in pairs}, disagreements) == ({None}, [])
