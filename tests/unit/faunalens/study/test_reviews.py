"""What is kept of a review, and what it says of the models."""

import json

import pytest

from faunalens.study.event import found_in
from faunalens.study.finding import Observation, of_answer
from faunalens.study.results import ResultsFile
from faunalens.study.reviews import precision, taxon_chosen, wilson
from faunalens.study.study import Study
from faunalens.tables.summary import summary_of
from faunalens.taxa.taxa import ScoredTaxon
from tests.support.studies import PHOTOS, answer, say, seen, taxon

RESULTS = PHOTOS
IMPALA_1, BOVIDS, LION = "N/IMG_0001.JPG", "N/IMG_0002.JPG", "S/card/IMG_0001.JPG"


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
    event = next(Study(results, 60).events())
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
