"""What is compared with AWS: defaults and orders that mean nothing are no difference, all else is."""

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
def test_what_goes_without_saying_is_no_difference(key: str, value: Any) -> None:
    assert alarm_content(SLOW | {key: value}) == alarm_content(SLOW)


@pytest.mark.parametrize(("key", "value"), OTHER)
def test_all_else_is_a_difference(key: str, value: Any) -> None:
    assert alarm_content(SLOW | {key: value}) != alarm_content(SLOW)


def test_within_metrics_too() -> None:
    content = alarm_content(SHARE)
    assert alarm_content(changed(SHARE, "Metrics.0.MetricStat.Unit", None)) == content
    assert alarm_content(changed(SHARE, "Metrics.1.Period", None)) == content
    assert alarm_content(changed(SHARE, "Metrics.0.MetricStat.Period", 60)) != content
    assert alarm_content(changed(SHARE, "Metrics.1.ReturnData", False)) != content
    # AND what the expressions are made of keeps its order
    assert [each["Id"] for each in content["Metrics"]] == ["requests", "few"]


def test_what_is_compared_can_be_put() -> None:
    # GIVEN N of N THEN the default is left out, and so it is with missing data
    content = alarm_content(SLOW | {"DatapointsToAlarm": 3, "TreatMissingData": "missing"})
    assert not {"DatapointsToAlarm", "TreatMissingData", "AlarmName"} & content.keys()
    assert content["EvaluationPeriods"] == 3


@given(st.permutations(range(6)), st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=10))
def test_composites_come_after_what_they_ask_for(order: list[int], asked: list[tuple[int, int]]) -> None:
    # GIVEN composites that only ask for those with a lower number, in any order
    pairs = {(max(pair), min(pair)) for pair in asked if len(set(pair)) == 2}

    def composite(number: int) -> Resource:
        rule = " OR ".join(["ALARM(x)", *(f"ALARM({low})" for high, low in pairs if high == number)])
        return Resource("composite", str(number), {"AlarmRule": rule})

    # THEN none comes before one that it asks for
    names = [each.name for each in in_dependency_order(map(composite, order))]
    assert sorted(names) == [str(number) for number in range(6)]
    assert all(names.index(str(low)) < names.index(str(high)) for high, low in pairs)


def test_those_in_a_circle_are_not_lost() -> None:
    circle = [Resource("composite", one, {"AlarmRule": f"ALARM({other})"}) for one, other in ("ab", "ba")]
    assert len(in_dependency_order(circle)) == 2


def test_a_composite_depends_on_what_silences_it() -> None:
    content = {"AlarmRule": "ALARM(a) AND NOT OK(b)", "ActionsSuppressor": "c"}
    assert children(Resource("composite", "x", content)) == {"a", "b", "c"}
    assert children(Resource("alarm", "x", SLOW)) == set()


def test_the_real_files_make_something_of_every_kind_in_an_order_that_aws_takes() -> None:
    made = desired(read_files(Placeholders("dev")))
    names = [each.name for each in made if each.kind in ("alarm", "composite")]
    for each in made:
        assert all(names.index(child) < names.index(each.name) for child in children(each))
    assert {each.kind for each in made} == {"alarm", "composite", "dashboard", "query"}
    assert len({(each.kind, each.name) for each in made}) == len(made)
