"""Facts: how they are counted, and that those of this checkout are well formed."""

from collections import Counter

from database.facts import Fact, Score, read_facts, scores


def fact(truth: str, taxon: str = "koala", *, is_sure: bool = True) -> Fact:
    return Fact(taxon, -27.5, 153.0, "Brisbane", truth, is_sure, "because")


GROUPS = {"koala": "mammals", "emu": "birds"}


def test_facts_are_counted_by_group_and_in_all() -> None:
    facts = [fact("native"), fact("native", "emu"), fact("absent", "emu")]
    found = scores(facts, lambda each: (1.0, "native") if each.taxon == "koala" else (0.05, "native"), GROUPS)
    assert found == {
        "all": Score((1, 2), (1, 1), (0, 0)),
        "birds": Score((0, 1), (1, 1), (0, 0)),
        "mammals": Score((1, 1), (0, 0), (0, 0)),
    }


def test_an_introduced_animal_counts_as_living_there_and_is_to_be_marked() -> None:
    found = scores([fact("introduced"), fact("introduced")], lambda _: (0.5, "native"), GROUPS)
    assert found["mammals"] == Score((2, 2), (0, 0), (0, 2))


def test_facts_in_doubt_and_taxa_without_a_range_do_not_count() -> None:
    assert scores([fact("native", is_sure=False)], lambda _: (0.0, "absent"), GROUPS) == {}
    assert scores([fact("native")], lambda _: None, GROUPS) == {}


def test_the_facts_of_this_checkout_are_well_formed_and_said_once() -> None:
    facts = read_facts()
    assert len(facts) >= 600
    assert {each.truth for each in facts} == {"native", "introduced", "absent"}
    assert all(-90 <= each.latitude <= 90 and -180 <= each.longitude <= 180 for each in facts)
    assert all(each.place and each.reason for each in facts)
    twice = Counter((each.taxon, each.cell, each.truth) for each in facts)
    assert [key for key, count in twice.items() if count > 2] == []
