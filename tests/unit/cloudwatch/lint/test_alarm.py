"""Lint of alarms and composites: each rule with a body that breaks it."""

from copy import deepcopy
from typing import Any

import pytest

from cloudwatch.lint.alarm import AlarmCheck, composite_findings
from tests.unit.cloudwatch.lint.small_folder import PAGE, REMOVE, SHARE, SLOW, changed

ONE = {"AlarmName": "faunalens-STAGENAME-slow"} | SLOW
SEVERAL = {"AlarmName": "faunalens-STAGENAME-share"} | SHARE
FILE = "dashboards/alarms/x.json"
METRIC = "Metrics.0.MetricStat"

BROKEN_ONE: list[tuple[str, Any, str]] = [
    ("Treshold", 3, 'Treshold is not a known key; did you mean "Threshold"?'),
    ("Period", "300", 'Period is "300"; write a whole number'),
    ("ComparisonOperator", "Above", 'ComparisonOperator is "Above"; write one of "GreaterThanOrEqualToThreshold"'),
    ("OKActions", ["ALARMTOPIC"] * 6, "write a list of at most 5"),
    ("Dimensions.0.Valeu", "x", 'Dimensions[1].Valeu is not a known key; did you mean "Value"?'),
    ("AlarmDescription", "x" * 1025, "write a string of 0 to 1024 characters"),
    ("AlarmName", "slow", "AlarmName is 'slow'; remove it, since the template sets faunalens-STAGENAME-slow from"),
    ("Tags", [{"Key": "a", "Value": "b"}], "Tags is set, but CloudFormation tags all resources"),
    ("AlarmDescription", "Users wait.", "AlarmDescription does not link to the runbook; write what the alarm means,"),
    ("AlarmDescription", "Users wait: RUNBOOKURL#slower", "AlarmDescription does not link to the runbook"),
    ("AlarmDescription", "RUNBOOKURL#slow" + " x" * 420, "has 855 characters; write at most 850, to leave room"),
    ("AlarmActions", ["arn:aws:sns:x"], 'AlarmActions has "arn:aws:sns:x"; write "ALARMTOPIC"'),
    ("Threshold", REMOVE, "Threshold is missing; an alarm needs it to compare"),
    ("EvaluationPeriods", REMOVE, "EvaluationPeriods is missing"),
    ("ComparisonOperator", "LessThanLowerThreshold", "anomaly detection alarms are not supported"),
    ("TreatMissingData", REMOVE, "TreatMissingData must be one of breaching, notBreaching"),
    ("TreatMissingData", "ok", "TreatMissingData must be one of breaching, notBreaching"),
    ("DatapointsToAlarm", 4, "DatapointsToAlarm exceeds EvaluationPeriods"),
    ("MetricName", REMOVE, "the alarm has no MetricName; write Namespace, MetricName and Period, or Metrics"),
    ("Metrics", SHARE["Metrics"], "MetricName, Dimensions, Period, ExtendedStatistic cannot be combined with Metrics"),
    ("Namespace", REMOVE, "the alarm has no Namespace; write"),
    ("Statistic", "Sum", "the alarm needs one statistic; write Statistic (Sum, Average, …) or"),
    ("ExtendedStatistic", REMOVE, "the alarm needs one statistic; write Statistic (Sum, Average, …) or"),
    ("ExtendedStatistic", "Sum", 'ExtendedStatistic is "Sum", which is a plain statistic; rename'),
    ("ExtendedStatistic", "p999", "metric 1: unknown statistic 'p999'"),
    ("Period", 90, "Period is 90 s; write a multiple of 60 s"),
    ("Period", 10, "Period is 10 s, but metrics have a resolution of 60 s"),
    ("EvaluationPeriods", 289, "Period × EvaluationPeriods is 86,700 s, but at most 86,400 s are allowed"),
]
BROKEN_SEVERAL: list[tuple[str, Any, str]] = [
    ("Metrics.0.ReturnData", True, "Metrics has 2 entries that return data (requests, few)"),
    ("Metrics.1.ReturnData", False, "Metrics has 0 entries that return data (none)"),
    ("Metrics.0.ReturnDat", True, 'Metrics[1].ReturnDat is not a known key; did you mean "ReturnData"?'),
    ("Metrics.1.Expression", "IF(request < 3, 1, 0)", "refers to `request`, but no line has this id; known ids"),
    ("Metrics.1.Expression", "IF(requests < 3", "expected ), found the end"),
    ("Metrics.1.Expression", "1", 'metric 1 "requests": hidden, but no expression uses it'),
    ("Metrics.1.Id", "requests", "metric 2 repeats the id requests of metric 1"),
    ("Metrics.1.MetricStat", SHARE["Metrics"][0]["MetricStat"], "metric 2 needs either a MetricStat or an Expression"),
    (f"{METRIC}.Metric.MetricName", REMOVE, "a MetricStat has no 'MetricName'"),
    (f"{METRIC}.Stat", "Avg", "unknown statistic 'Avg'"),
    ("Metrics.1.Expression", "SUM(requests)", 'metric 2 "few" returns a number, but an alarm watches one time series'),
    ("Metrics.1.Expression", "[requests, requests]", 'metric 2 "few" returns several time series, but an alarm'),
    ("EvaluationPeriods", 289, "Period × EvaluationPeriods is 86,700 s"),
    (f"{METRIC}.Period", 90, "Period is 90 s; write a multiple of 60 s"),
    ("Period", 60, "Period cannot be combined with Metrics; write the values inside"),
    (
        "Metrics.1.Expression",
        "MAX(SEARCH('{Faunalens} MetricName=\"A\"', 'Sum')) + requests",
        "alarms do not support SEARCH",
    ),
]


def findings(body: dict[str, Any], name: str) -> list[str]:
    return [str(finding) for finding in AlarmCheck(FILE, name, body).findings]


def test_good_alarms_have_no_findings() -> None:
    assert findings(ONE, "slow") == []
    assert findings(SEVERAL, "share") == []


@pytest.mark.parametrize(("path", "value", "message"), BROKEN_ONE, ids=lambda each: str(each)[:40])
def test_findings_of_an_alarm_on_one_metric(path: str, value: Any, message: str) -> None:
    found = findings(changed(ONE, path, value), "slow")
    assert [finding for finding in found if message in finding], found


@pytest.mark.parametrize(("path", "value", "message"), BROKEN_SEVERAL, ids=lambda each: str(each)[:40])
def test_findings_of_an_alarm_on_an_expression(path: str, value: Any, message: str) -> None:
    found = findings(changed(SEVERAL, path, value), "share")
    assert [finding for finding in found if message in finding], found


def test_all_metrics_of_an_alarm_have_one_period() -> None:
    # GIVEN a second metric with another period than the first
    second = changed(SHARE["Metrics"][0], "Id", "slower")
    second["MetricStat"]["Period"] = 60
    queries = [SHARE["Metrics"][0], second, changed(SHARE["Metrics"][1], "Expression", "IF(requests < slower, 1, 0)")]
    found = findings(SEVERAL | {"Metrics": queries}, "share")
    assert any("Metrics has the periods 60, 300; give all metrics the same period" in each for each in found)


def test_an_alarm_has_at_most_ten_metrics() -> None:
    # GIVEN alarms that add up ten metrics, and eleven
    for count, wrong in ((10, False), (11, True)):
        queries = [changed(SHARE["Metrics"][0], "Id", f"r{number}") for number in range(count)]
        total = changed(SHARE["Metrics"][1], "Expression", f"SUM([{', '.join(str(each['Id']) for each in queries)}])")
        # WHEN they are checked THEN the second has a finding
        found = findings(SEVERAL | {"Metrics": [*queries, total]}, "share")
        assert (
            any("Metrics has 11 items with MetricStat, but an alarm allows at most 10" in each for each in found)
            == wrong
        )


def test_an_alarm_has_at_most_ten_expressions() -> None:
    unseen = [changed(SHARE["Metrics"][1], "Id", f"e{number}") | {"ReturnData": False} for number in range(10)]
    found = findings(SEVERAL | {"Metrics": [*SHARE["Metrics"], *unseen]}, "share")
    assert any("Metrics has 11 items with Expression" in each for each in found)


def test_hours_may_look_back_a_week_and_minutes_a_day() -> None:
    assert findings(ONE | {"Period": 3600, "EvaluationPeriods": 168}, "slow") == []
    assert findings(ONE | {"Period": 60, "EvaluationPeriods": 1440}, "slow") == []
    assert findings(ONE | {"Period": 3600, "EvaluationPeriods": 169}, "slow")
    assert findings(ONE | {"Period": 60, "EvaluationPeriods": 1441}, "slow")


def test_low_sample_evaluation_is_for_percentiles_only() -> None:
    percentile = ONE | {"EvaluateLowSampleCountPercentile": "ignore"}
    assert findings(percentile, "slow") == []
    summed = deepcopy(percentile) | {"Statistic": "Sum"}
    del summed["ExtendedStatistic"]
    (found,) = findings(summed, "slow")
    assert "EvaluateLowSampleCountPercentile is only allowed with a percentile; remove it" in found


def test_references_of_an_alarm_include_the_unit() -> None:
    (one,) = AlarmCheck(FILE, "slow", ONE | {"Unit": "Seconds"}).references
    assert (one.name, one.stat, one.unit) == ("Latency", "p99", "Seconds")
    (other,) = AlarmCheck(FILE, "share", changed(SEVERAL, f"{METRIC}.Unit", "Bytes")).references
    assert (other.name, other.stat, other.unit) == ("Requests", "Sum", "Bytes")
    assert other.place == 'Metrics, metric 1 "requests"'


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


def rule(text: str, **more: Any) -> dict[str, Any]:
    return {"AlarmRule": text, "AlarmActions": ["ALARMTOPIC"]} | more


BROKEN_COMPOSITES = [
    ({"AlarmRule": ""}, 'AlarmRule is ""; write a string of 1 to 10240 characters'),
    ({"AlarmRule": 'ALARM("a") AND'}, "AlarmRule: expected"),
    ({"AlarmRule": 'ALARM("faunalens-STAGENAME-slwo")'}, 'no file defines an alarm "faunalens-STAGENAME-slwo"; did'),
    ({"AlarmRuel": "x"}, 'AlarmRuel is not a known key; did you mean "AlarmRule"?'),
    ({"ActionsSuppressor": "faunalens-STAGENAME-slow"}, "only ActionsSuppressor is set; set all of"),
    ({"AlarmActions": ["somebody"]}, 'AlarmActions has "somebody"; write "ALARMTOPIC"'),
    ({"AlarmDescription": "Wake up."}, "AlarmDescription does not link to the runbook"),
]


def test_a_good_composite_has_no_findings() -> None:
    assert of_composites(files(page=PAGE)) == []


@pytest.mark.parametrize(("change", "message"), BROKEN_COMPOSITES, ids=lambda each: str(each)[:40])
def test_findings_of_a_composite(change: dict[str, Any], message: str) -> None:
    found = of_composites(files(page=PAGE | change))
    assert [finding for finding in found if message in finding and finding.startswith("page.json: ")], found


def test_a_composite_needs_a_rule() -> None:
    (found, *_) = of_composites(files(page={"AlarmActions": ["ALARMTOPIC"]}), {})
    assert "AlarmRule is missing; write a string of 1 to 10240 characters" in found


def test_a_cycle_is_found_without_those_that_only_depend_on_it() -> None:
    # GIVEN a composite that names two that name one another
    composites = files(
        page=rule('ALARM("faunalens-STAGENAME-one") OR ALARM("faunalens-STAGENAME-slow")'),
        one=rule('ALARM("faunalens-STAGENAME-two") OR ALARM("faunalens-STAGENAME-share")'),
        two=rule('NOT OK("faunalens-STAGENAME-one")'),
    )
    (found,) = (each for each in of_composites(composites) if "CloudWatch refuses cycles" in each)
    assert found.startswith("one.json: AlarmRule: one, two depend on one another")


def test_an_alarm_that_notifies_no_one_is_found() -> None:
    # GIVEN an alarm that no composite names
    page = files(page=rule('ALARM("faunalens-STAGENAME-slow")'))
    (found,) = of_composites(page)
    assert found.startswith(
        'share.json: no composite names this alarm and it has no "AlarmActions", so it notifies no one'
    )
    # WHEN it notifies the topic itself, or suppresses another, THEN it is fine
    assert of_composites(page, files(slow=SLOW, share=SHARE | {"AlarmActions": ["ALARMTOPIC"]})) == []
    waits = {"ActionsSuppressorWaitPeriod": 60, "ActionsSuppressorExtensionPeriod": 60}
    suppressed = rule('ALARM("faunalens-STAGENAME-slow")', ActionsSuppressor="faunalens-STAGENAME-share", **waits)
    assert of_composites(files(page=suppressed)) == []


def test_a_rule_names_at_most_a_hundred_alarms() -> None:
    alarms = files(**{f"a{number}": SLOW for number in range(101)})
    text = " OR ".join(f'ALARM("faunalens-STAGENAME-{name}")' for name in alarms)
    (found,) = of_composites(files(page=rule(text)), alarms)
    assert "names 101 alarms, but at most 100 are allowed" in found
