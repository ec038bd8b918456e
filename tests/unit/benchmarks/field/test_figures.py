"""The figures of answers to field photos: what is usable, what a word says, and what the place made worse."""

import pytest

from benchmarks.field.answers import Answered
from benchmarks.field.figures import (
    FEWEST,
    details,
    diagram,
    evidence,
    group_of,
    levels,
    mean,
    of_page,
    points,
    share,
    worse,
)
from benchmarks.field.truth import FieldPhoto
from chalicelib.model.naming import Decision, Possible
from chalicelib.model.taxonomy import Prediction, Taxon

MAMMAL, CARNIVORE = Taxon("mammal", "Mammalia", "class"), Taxon("carnivore", "Carnivora", "order")
CAT, DOG = Taxon("cat", "Felidae", "family"), Taxon("dog, wolf or fox", "Canidae", "family")
LION = Taxon("lion", "Panthera leo", "species")
TRUTH = {"class": "Mammalia", "order": "Carnivora", "family": "Felidae", "species": "Panthera leo"}


def answered(
    *lineage: Taxon, score: float = 0.9, perhaps: tuple[Taxon, ...] = (), study: str = "s", shows: bool = True
) -> Answered:
    """Return the answer to a photo of a lion, or to one without an animal."""
    photo = FieldPhoto("a.jpg", study, "lion" if shows else "(blank)", TRUTH if shows else {}, (0.0, 36.0), "phone")
    named = Prediction(lineage[-1], score, lineage) if lineage else None
    listed = tuple(Possible(each.name, each.name, each.scientific_name, each.rank, 0.3, ()) for each in perhaps)
    return Answered.of(photo, Decision(named, listed))


EXACT, FAMILY, ORDER = (
    answered(*lineage) for lineage in ((MAMMAL, CARNIVORE, CAT, LION), (MAMMAL, CARNIVORE, CAT), (MAMMAL, CARNIVORE))
)
LISTED, WRONG, SILENT = answered(MAMMAL, perhaps=(DOG, CAT)), answered(MAMMAL, CARNIVORE, DOG), answered()


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (EXACT, ("exact", True, False)),
        (FAMILY, ("useful", True, False)),
        (ORDER, ("vague", False, False)),
        (LISTED, ("vague", True, False)),
        (answered(perhaps=(CAT,)), ("silent", True, False)),
        (WRONG, ("wrong", False, False)),
        (SILENT, ("silent", False, True)),
        (answered(MAMMAL, shows=False), ("wrong", False, False)),
    ],
)
def test_an_answer_is_usable_if_it_names_or_lists_the_family(
    answer: Answered, expected: tuple[str, bool, bool]
) -> None:
    assert (answer.worth, answer.is_usable, answer.is_silent) == expected


def test_a_large_study_counts_as_much_as_a_small_one_in_the_mean() -> None:
    answers = [answered(study="large")] * 9 + [answered(MAMMAL, CARNIVORE, CAT, study="small")]
    assert [each(answers, lambda answer: answer.is_usable) for each in (share, mean)] == [0.1, 0.5]
    assert share([], lambda each: each.is_usable) == 0


def test_the_place_makes_it_worse_if_it_makes_it_wrong_or_wider() -> None:
    bad = [(WRONG, FAMILY), (WRONG, SILENT), (ORDER, FAMILY), (SILENT, ORDER)]
    fine = [(WRONG, WRONG), (FAMILY, ORDER), (FAMILY, WRONG), (ORDER, WRONG), (EXACT, EXACT)]
    placed, alone = zip(*bad, *fine, strict=True)
    assert worse(placed, alone) == bad


def test_a_level_is_compared_with_what_it_says_if_it_has_enough_answers() -> None:
    # GIVEN as many families as are needed, of which three of four are right at 90 %, and one animal
    answers = [FAMILY, FAMILY, FAMILY, WRONG] * (FEWEST // 4 + 1) + [EXACT]
    # THEN families, and the answers with this word, are too sure; of one animal nothing is said
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in levels(answers).splitlines()]
    assert ["family or genus", str(len(answers) - 1), "90%", "75%", "MISSED"] in rows
    assert {row[0]: row[4] for row in rows[3:]} == {"“likely”": "MISSED", "animal": "few"}


def test_the_evidence_has_the_targets_and_the_kinds_and_the_details_the_studies() -> None:
    blank = answered(shows=False)
    text = evidence([EXACT, ORDER, blank], [EXACT, FAMILY, blank], [EXACT])
    for part in ("usable, of all animals", "clean, without places", group_of(blank.photo)):
        assert part in text
    assert "Mammalia: Carnivora" in details([EXACT, blank])


def test_the_page_says_how_often_each_word_was_right() -> None:
    # GIVEN answers that say "likely", of which one of two is right, and an empty picture
    shown = of_page([FAMILY, WRONG], {"phone": [FAMILY, WRONG], "no animal: blank, toy, drawing, person": [SILENT]})
    # THEN the page's file has the shares, and how often nothing was named where there is nothing
    assert shown["words"] == {"likely": {"answers": 2, "right": 0.5}}
    assert shown["kinds"]["phone"] == {"photos": 2, "usable": 0.5, "wrong": 0.5, "silent": 0}
    assert shown["kinds"]["others"] == {"photos": 1, "wrong": 0, "silent": 1}


def test_the_diagram_has_a_circle_for_each_bin_of_names_and_lists() -> None:
    found = points([FAMILY, WRONG, LISTED, answered(perhaps=(DOG, CAT))])
    assert found == {"name": [(pytest.approx(0.9), pytest.approx(2 / 3), 3)], "list": [(pytest.approx(0.6), 1.0, 2)]}
    assert "<title>3 answers: 90% said, 67% right</title>" in diagram(found)
