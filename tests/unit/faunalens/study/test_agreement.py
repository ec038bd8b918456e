"""How far reviewers agree."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faunalens.study.finding import Observation
from faunalens.study.results import ResultsFile
from faunalens.study.reviews import agreement, kappa_of
from tests.support.studies import IMPALA, answer, say, seen

RESULTS = [(f"N/{number}", None, answer(IMPALA)) for number in range(10)]


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
        say(results, f"N/{number}", one)
        say(results, f"N/{number}", other, reviewer="B. Other")
    # GIVEN photos that one person has reviewed too
    say(results, "N/8", seen("Canidae"))
    pairs, disagreements = agreement(results)
    assert [(each.one, each.other, each.photos, each.alike) for each in pairs] == [("A. Person", "B. Other", 5, 3)]
    assert disagreements == [number + 1 for number, (_, _, alike) in enumerate(said) if not alike]


def test_all_animals_of_a_photo_count_and_not_how_many(results: ResultsFile) -> None:
    fox, person = seen("Vulpes vulpes"), Observation("human", count=2)
    for photo, other in enumerate([(Observation("human"), fox), (fox,)]):
        say(results, f"N/{photo}", fox, person)
        say(results, f"N/{photo}", *other, reviewer="B. Other")
    assert agreement(results).disagreements == [2]


def test_three_reviewers_are_three_pairs(results: ResultsFile) -> None:
    for reviewer, photos in {"A": 3, "B": 3, "C": 2}.items():
        for number in range(photos):
            say(results, f"N/{number}", seen("Vulpes vulpes"), reviewer=reviewer)
    pairs, disagreements = agreement(results)
    assert [each[:3] for each in pairs] == [("A", "B", 3), ("A", "C", 2), ("B", "C", 2)]
    assert ({each.kappa for each in pairs}, disagreements) == ({None}, [])
