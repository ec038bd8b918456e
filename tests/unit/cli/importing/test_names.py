"""What people call animals, and which taxa they mean."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.importing.names import KINDS, kind_called, taxon_called
from cli.study.taxa import lineages

LATIN = sorted(lineages())


@pytest.mark.parametrize(
    ("text", "latin"),
    [
        ("Vulpes vulpes", "Vulpes vulpes"),
        ("Red Fox", "Vulpes vulpes"),
        ("red_fox", "Vulpes vulpes"),
        ("Fox, Red", "Vulpes vulpes"),
        ("Rabbit, desert cottontail", "Sylvilagus audubonii"),
        ("Vulpes vulpes (red fox)", "Vulpes vulpes"),
        ("Rotfuchs", "Vulpes vulpes"),  # a language of the page
        ("White-tailed Deer", "Odocoileus virginianus"),
        ("white tailed deer", "Odocoileus virginianus"),
        ("Cervus sp.", "Cervus"),
        ("deer", "Cervidae"),
        ("impala", "Aepyceros melampus"),  # the genus is called so too
        ("squirrels", "Sciuridae"),  # all whose names end so
        ("domestic dog", "Canis familiaris"),
        ("Canis lupus familiaris", "Canis familiaris"),
        ("Canis lupus pallipes", "Canis lupus"),
        ("Unidentified bird", "Aves"),
        ("Vulpes vulpes (Linnaeus, 1758)", "Vulpes vulpes"),
        ("animal", "Animalia"),
    ],
)
def test_a_name_means_a_taxon(text: str, latin: str) -> None:
    found = taxon_called(text)
    assert found is not None
    assert found.scientific_name == latin


@pytest.mark.parametrize("text", ["goanna", "", "R13", "100RECNX", "planthopper", "mouse"])
def test_a_name_of_no_taxon_at_hand_or_of_several_means_none(text: str) -> None:
    assert taxon_called(text) is None


@given(st.sampled_from(LATIN))
def test_every_taxon_is_found_by_its_scientific_name(latin: str) -> None:
    found = taxon_called(latin.upper())
    assert found is not None
    assert found.scientific_name == latin


@given(st.text())
def test_any_text_is_a_name_or_none(text: str) -> None:
    found = taxon_called(text)
    assert found is None or found.scientific_name in lineages()


@pytest.mark.parametrize(
    ("text", "kind"), [("EMPTY", "blank"), ("Homo sapiens", "human"), ("Human - hiker", "human"), ("ATV", "vehicle")]
)
def test_some_words_mean_a_kind(text: str, kind: str) -> None:
    assert kind_called(text) == kind
    assert kind_called("red fox") is None
    assert KINDS["unclear"] == "unknown"
