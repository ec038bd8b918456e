"""Comparison with AWS: defaults and meaningless order are no difference, everything else is."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudwatch.deploy.resources import Resource, alarm_content, children, desired, in_dependency_order
from cloudwatch.files import Placeholders, read_files
from tests.unit.cloudwatch.lint.small_folder import SHARE, SLOW, changed

SAME: list[tuple[str, Any]] = [
    ("ActionsEnabled", True),
    ("OKActions", []),
    ("InsufficientDataActions", []),
    ("EvaluateLowSampleCountPercentile", "evaluate"),
    ("Threshold", 2000.0),
    ("Unit", None),
    ("Dimensions", list(reversed(SLOW["Dimensions"]))),
    ("Tags", [{"Key": "a", "Value": "b"}]),
]
OTHER: list[tuple[str, Any]] = [
    ("ActionsEnabled", False),
    ("OKActions", ["arn"]),
    ("Threshold", 2000.5),
    ("TreatMissingData", "missing"),
    ("DatapointsToAlarm", 3),
    ("Dimensions", SLOW["Dimensions"][:1]),
]


@pytest.mark.parametrize(("key", "value"), SAME)
def test_defaults_and_order_are_no_difference(key: str, value: Any) -> None:
    assert alarm_content(SLOW | {key: value}) == alarm_content(SLOW)


@pytest.mark.parametrize(("key", "value"), OTHER)
def test_everything_else_is_a_difference(key: str, value: Any) -> None:
    assert alarm_content(SLOW | {key: value}) != alarm_content(SLOW)


def test_defaults_inside_metrics_are_no_difference() -> None:
    content = alarm_content(SHARE)
    assert alarm_content(changed(SHARE, "Metrics.0.MetricStat.Unit", None)) == content
    assert alarm_content(changed(SHARE, "Metrics.1.Period", None)) == content
    assert alarm_content(changed(SHARE, "Metrics.0.MetricStat.Period", 60)) != content
    assert alarm_content(changed(SHARE, "Metrics.1.ReturnData", False)) != content
    # AND the metrics keep their order
    assert [each["Id"] for each in content["Metrics"]] == ["requests", "few"]


def test_what_is_compared_can_be_put() -> None:
    # GIVEN N of N and the default for missing data THEN both are left out
    content = alarm_content(SLOW | {"DatapointsToAlarm": 3, "TreatMissingData": "missing"})
    assert not {"DatapointsToAlarm", "TreatMissingData", "AlarmName"} & content.keys()
    assert content["EvaluationPeriods"] == 3


@given(st.permutations(range(6)), st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=10))
def test_composites_come_after_those_in_their_rules(order: list[int], named: list[tuple[int, int]]) -> None:
    # GIVEN composites whose rules only name lower numbers, in any order
    pairs = {(max(pair), min(pair)) for pair in named if len(set(pair)) == 2}

    def composite(number: int) -> Resource:
        rule = " OR ".join(["ALARM(x)", *(f"ALARM({low})" for high, low in pairs if high == number)])
        return Resource("composite", str(number), {"AlarmRule": rule})

    # THEN none comes before one in its rule
    names = [each.name for each in in_dependency_order(map(composite, order))]
    assert sorted(names) == [str(number) for number in range(6)]
    assert all(names.index(str(low)) < names.index(str(high)) for high, low in pairs)


def test_composites_in_a_cycle_are_kept() -> None:
    circle = [Resource("composite", one, {"AlarmRule": f"ALARM({other})"}) for one, other in ("ab", "ba")]
    assert len(in_dependency_order(circle)) == 2


def test_a_composite_depends_on_its_suppressor() -> None:
    content = {"AlarmRule": "ALARM(a) AND NOT OK(b)", "ActionsSuppressor": "c"}
    assert children(Resource("composite", "x", content)) == {"a", "b", "c"}
    assert children(Resource("alarm", "x", SLOW)) == set()


def test_the_real_files_define_every_kind_in_dependency_order() -> None:
    made = desired(read_files(Placeholders("dev")))
    names = [each.name for each in made if each.kind in ("alarm", "composite")]
    for each in made:
        assert all(names.index(child) < names.index(each.name) for child in children(each))
    assert {each.kind for each in made} == {"alarm", "composite", "dashboard", "query"}
    assert len({(each.kind, each.name) for each in made}) == len(made)
