"""Lint of alarms and composites: each rule with a body that breaks it."""

from typing import Any

import pytest

from dashboards.graphed_metrics import TimeSeries
from dashboards.lint import LintFinding
from dashboards.lint.body import check_alarm, composite_findings
from dashboards.lint.known_metrics import Reference
from tests.unit.dashboards.lint.small_folder import PAGE, REMOVE, SHARE, SLOW, changed

ONE = {"AlarmName": "faunalens-STAGENAME-slow"} | SLOW
SEVERAL = {"AlarmName": "faunalens-STAGENAME-share"} | SHARE
FILE = "dashboards/alarms/x.json"
DIMENSIONS = {"service": "faunalens", "stage": "STAGENAME"}

BROKEN_ONE: list[tuple[str, Any, str]] = [
    ("Treshold", 3, "('Treshold' was unexpected); did you mean \"Threshold\"?"),
    ("ComparisonOperator", "Above", 'ComparisonOperator is "Above"; write GreaterThanOrEqualToThreshold or'),
    ("AlarmName", "slow", "AlarmName is 'slow'; remove it, since the template sets faunalens-STAGENAME-slow from"),
    ("AlarmDescription", "Users wait: RUNBOOKURL#slower", "AlarmDescription does not link to the runbook; write what"),
    ("AlarmDescription", "RUNBOOKURL#slow" + " x" * 420, "write at most 850 characters, to leave room"),
    ("AlarmActions", ["arn:aws:sns:x"], 'AlarmActions[1] is "arn:aws:sns:x"; write "ALARMTOPIC"'),
    ("Unit", "Seconds", 'Unit is "Seconds"; write nothing here: each metric has one unit'),
    ("TreatMissingData", REMOVE, "'TreatMissingData' is a required property"),
    ("TreatMissingData", "often", "breaching, notBreaching, ignore or missing, since"),
    ("DatapointsToAlarm", 4, "DatapointsToAlarm exceeds EvaluationPeriods"),
    ("MetricName", REMOVE, "'MetricName' is a required property"),
    ("ExtendedStatistic", "p999", "metric 1: unknown statistic 'p999'"),
    ("Period", 90, "Period is 90; write seconds as a multiple of 60"),
    ("EvaluationPeriods", 289, "Period × EvaluationPeriods is 86,700 s, but at most 86,400 s are allowed"),
]
BROKEN_SEVERAL: list[tuple[str, Any, str]] = [
    ("Metrics.0.ReturnData", True, "Metrics has 2 entries that return data (requests, few)"),
    ("Metrics.1.ReturnData", False, "Metrics has 0 entries that return data (none)"),
    ("Metrics.1.Expression", "IF(request < 3, 1, 0)", "refers to `request`, but no line has this id; known are"),
    ("Metrics.1.Expression", "1", 'metric 1 "requests": hidden, but no expression uses it'),
    ("Metrics.1.Id", "requests", "metric 1 has id 'requests'; write a lower"),
    ("Metrics.1.Expression", "[requests, requests]", 'metric 2 "few" returns TS[], but an alarm watches one TS'),
    ("Metrics.1.Expression", "MAX(SEARCH('{A} MetricName=\"A\"', 'Sum')) + requests", "alarms do not support SEARCH"),
]


def findings(body: dict[str, Any], name: str) -> list[str]:
    return [str(each) for each in check_alarm(FILE, name, body) if isinstance(each, LintFinding)]


def test_good_alarms_have_no_findings() -> None:
    assert findings(ONE, "slow") == []
    assert findings(SEVERAL, "share") == []
    assert of_composites(files(page=PAGE)) == []


@pytest.mark.parametrize(
    ("body", "path", "value", "message"),
    [*((ONE, *each) for each in BROKEN_ONE), *((SEVERAL, *each) for each in BROKEN_SEVERAL)],
    ids=lambda each: str(each)[:40],
)
def test_findings_of_an_alarm(body: dict[str, Any], path: str, value: Any, message: str) -> None:
    found = findings(changed(body, path, value), body["AlarmName"].rpartition("-")[2])
    assert [finding for finding in found if message in finding], found


def test_all_metrics_of_an_alarm_have_one_period() -> None:
    # GIVEN a second metric with another period than the first
    second = changed(changed(SHARE["Metrics"][0], "Id", "slower"), "MetricStat.Period", 60)
    queries = [SHARE["Metrics"][0], second, changed(SHARE["Metrics"][1], "Expression", "IF(requests < slower, 1, 0)")]
    found = findings(SEVERAL | {"Metrics": queries}, "share")
    assert any("Metrics has the periods 60, 300; give all metrics the same period" in each for each in found)


@pytest.mark.parametrize(("period", "most"), [(3600, 168), (60, 1440)])
def test_hours_may_look_back_a_week_and_minutes_a_day(period: int, most: int) -> None:
    found = [findings(ONE | {"Period": period, "EvaluationPeriods": each}, "slow") for each in (most, most + 1)]
    assert [len(each) for each in found] == [0, 1]


def test_references_of_an_alarm_name_their_metrics() -> None:
    one, other = (next(check_alarm(FILE, name, body)) for name, body in (("slow", ONE), ("share", SEVERAL)))
    assert one == Reference(FILE, "Metrics, metric 1", TimeSeries.of("Faunalens", "Latency", DIMENSIONS), "p99")
    requests = TimeSeries.of("Faunalens", "Requests", DIMENSIONS)
    assert other == Reference(FILE, 'Metrics, metric 1 "requests"', requests, "Sum")


# Composites

type Files = dict[str, tuple[str, dict[str, Any]]]


def files(**bodies: dict[str, Any]) -> Files:
    return {
        name: (
            f"{name}.json",
            {"AlarmName": f"faunalens-STAGENAME-{name}", "AlarmDescription": f"RUNBOOKURL#{name}"} | body,
        )
        for name, body in bodies.items()
    }


def of_composites(composites: Files, alarms: Files | None = None) -> list[str]:
    known = files(slow=SLOW, share=SHARE) if alarms is None else alarms
    return [str(finding) for finding in composite_findings(composites, known)]


def rule(text: str) -> dict[str, Any]:
    return {"AlarmRule": text, "AlarmActions": ["ALARMTOPIC"]}


BROKEN_COMPOSITES = [
    ({"AlarmRule": 'ALARM("a") AND'}, "AlarmRule: expected one operator"),
    ({"AlarmRule": 'ALARM("faunalens-STAGENAME-slwo")'}, 'no file defines an alarm "faunalens-STAGENAME-slwo"; did'),
    ({"AlarmRuel": "x"}, "('AlarmRuel' was unexpected); did you mean \"AlarmRule\"?"),
    ({"AlarmDescription": "Wake up."}, "AlarmDescription does not link to the runbook"),
]


@pytest.mark.parametrize(("change", "message"), BROKEN_COMPOSITES, ids=lambda each: str(each)[:40])
def test_findings_of_a_composite(change: dict[str, Any], message: str) -> None:
    found = of_composites(files(page=PAGE | change))
    assert [finding for finding in found if message in finding and finding.startswith("page.json: ")], found


def test_a_cycle_is_found_without_those_that_only_depend_on_it() -> None:
    # GIVEN a composite that names two that name one another
    rules = {"page": 'ALARM("one") OR ALARM("slow")', "one": 'ALARM("two") OR ALARM("share")', "two": 'NOT OK("one")'}
    composites = files(**{name: rule(text.replace('("', '("faunalens-STAGENAME-')) for name, text in rules.items()})
    (found,) = of_composites(composites)
    assert found.startswith("one.json: AlarmRule: one, two depend on one another; CloudWatch refuses cycles")


def test_an_alarm_that_notifies_no_one_is_found() -> None:
    # GIVEN an alarm that no composite names
    page = files(page=rule('ALARM("faunalens-STAGENAME-slow")'))
    (found,) = of_composites(page)
    assert found.startswith('share.json: no composite names this alarm and it has no "AlarmActions", so it notifies no')
    # WHEN it notifies the topic itself THEN it is fine
    assert of_composites(page, files(slow=SLOW, share=SHARE | {"AlarmActions": ["ALARMTOPIC"]})) == []
