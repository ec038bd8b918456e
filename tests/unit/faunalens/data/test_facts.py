"""Facts: how they are counted, and that those of this checkout are well formed."""

from collections import Counter

import pytest

from faunalens.data.facts import Fact, Score, read_facts, scores


def fact(truth: str, taxon: str = "koala", *, is_sure: bool = True) -> Fact:
    return Fact(taxon, -27.5, 153.0, "Brisbane", truth, is_sure, "because")


GROUPS = {"koala": "mammals", "emu": "birds"}


@pytest.mark.parametrize(
    ("facts", "koalas", "expected"),
    [
        (
            [fact("native"), fact("native", "emu"), fact("absent", "emu")],
            (1.0, "native"),
            {
                "all": Score((1, 2), (1, 1), (0, 0)),
                "birds": Score((0, 1), (1, 1), (0, 0)),
                "mammals": Score((1, 1), (0, 0), (0, 0)),
            },
        ),
        # an introduced animal counts as living there, and is to be marked
        ([fact("introduced")] * 2, (0.5, "native"), dict.fromkeys(("all", "mammals"), Score((2, 2), (0, 0), (0, 2)))),
        # facts in doubt and taxa without a range do not count
        ([fact("native", is_sure=False)], (0.0, "absent"), {}),
        ([fact("native")], None, {}),
    ],
)
def test_facts_are_counted(facts: list[Fact], koalas: tuple[float, str] | None, expected: dict[str, Score]) -> None:
    assert scores(facts, lambda each: koalas if each.taxon == "koala" else (0.05, "native"), GROUPS) == expected


def test_the_facts_of_this_checkout_are_well_formed_and_said_once() -> None:
    facts = read_facts()
    assert len(facts) >= 600
    assert {each.truth for each in facts} == {"native", "introduced", "absent"}
    assert all(-90 <= each.latitude <= 90 and -180 <= each.longitude <= 180 for each in facts)
    assert all(each.place and each.reason for each in facts)
    twice = Counter((each.taxon, each.cell, each.truth) for each in facts)
    assert [key for key, count in twice.items() if count > 2] == []
