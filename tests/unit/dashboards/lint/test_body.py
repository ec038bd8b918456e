"""Lint of one body: each rule with a dashboard, an alarm, a composite or a query that breaks only this rule."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dashboards.expression import ANY
from dashboards.graphed_metrics import TimeSeries
from dashboards.lint import LintFinding
from dashboards.lint import body as checked
from dashboards.lint.body import check_alarm, check_dashboard, composite_findings, query_problems
from dashboards.lint.known_metrics import Reference
from tests.unit.dashboards.lint.small_folder import DASHBOARD, PAGE, REMOVE, SHARE, SLOW, TEXT, changed

FILE = "dashboards/x.json"
NAMES = {"alarm": ["slow"], "dashboard": ["small"]}
DIMENSIONS = {"service": "faunalens", "stage": "STAGENAME"}


def named(name: str, body: dict[str, Any]) -> dict[str, Any]:
    return {"AlarmName": f"faunalens-STAGENAME-{name}", "AlarmDescription": f"RUNBOOKURL#{name}"} | body


BODIES = {"small": DASHBOARD, "slow": named("slow", SLOW), "share": named("share", SHARE), "page": named("page", PAGE)}


def findings(name: str, body: dict[str, Any], names: Mapping[str, list[str]] = NAMES) -> list[str]:
    if name == "page":
        found: Iterator[Any] = composite_findings({name: (FILE, body)}, {each: ("", BODIES[each]) for each in BODIES})
    else:
        found = check_dashboard(FILE, body, names) if name == "small" else check_alarm(FILE, name, body)
    return [str(each) for each in found if isinstance(each, LintFinding) and each.file == FILE]


GRAPH = "widgets.1.properties"
ROWS = f"{GRAPH}.metrics"
GAUGE = DASHBOARD["widgets"][1]["properties"] | {"view": "gauge", "yAxis": {"left": {"min": 0}}}
EXPRESSION = "Metrics.1.Expression"
BROKEN: list[tuple[str, str, Any, str]] = [
    # the structure
    ("small", "widgets", REMOVE, "'widgets' is a required property"),
    ("small", "start", "3 hours", 'start is "3 hours"; write a relative time such as "-PT3H"'),
    ("small", "variables.0.inputType", "list", 'variables[1].inputType is "list"; write input or radio or select'),
    ("small", "widgets.1.type", "metrics", 'type is "metrics"; write metric or text or log or alarm'),
    ("small", "widgets.2.properties.query", "fields @timestamp", "write a query that starts with its log groups"),
    ("small", "widgets.3.properties.alarms", ["slow"], 'alarms[1] is "slow"; write an ARN such as arn:aws:cloudwatch'),
    ("small", f"{GRAPH}.veiw", "bar", "('veiw' was unexpected); did you mean \"view\"?"),
    ("small", f"{GRAPH}.period", 90, "period is 90; write seconds as a multiple of 60"),
    ("small", f"{GRAPH}.annotations.horizontal.0", [{"value": 1}], "write a band of two thresholds, or one"),
    ("small", f"{GRAPH}.sparkline", True, 'sparkline is true; write nothing: it is for the view "singleValue"'),
    ("small", f"{GRAPH}.setPeriodToTimeRange", True, "write false, or another view: it reduces a curve to one point"),
    ("small", f"{GRAPH}.metrics", REMOVE, "write metrics, or an alarm in annotations; the graph would be empty"),
    ("small", GRAPH, GAUGE, "yAxis.left: 'max' is a required property"),
    ("small", f"{ROWS}.0.6.colour", "#ffffff", "metrics[1][7]: Additional properties are not allowed ('colour'"),
    ("slow", "ComparisonOperator", "Above", 'ComparisonOperator is "Above"; write GreaterThanOrEqualToThreshold or'),
    ("slow", "AlarmDescription", "RUNBOOKURL#slow" + " x" * 420, "write at most 850 characters, to leave room"),
    ("slow", "AlarmActions", ["arn:aws:sns:x"], 'AlarmActions[1] is "arn:aws:sns:x"; write "ALARMTOPIC"'),
    ("slow", "Unit", "Seconds", 'Unit is "Seconds"; write nothing here: each metric has one unit'),
    ("slow", "TreatMissingData", REMOVE, "'TreatMissingData' is a required property"),
    ("slow", "MetricName", REMOVE, "'MetricName' is a required property"),
    ("page", "AlarmRuel", "x", "('AlarmRuel' was unexpected); did you mean \"AlarmRule\"?"),
    # dashboards
    ("small", "variables", REMOVE, "variables: no variable has the pattern STAGENAME"),
    ("small", "widgets.1.width", 13, 'widget 3 "Slowest": overlaps widget 2 "Load"; move it'),
    ("small", "widgets.2.width", 13, 'widget 3 "Slowest": reaches column 25 of 24; write a width of at most 12'),
    ("small", f"{GRAPH}.yAxis.left.min", 11, "yAxis.left.min must be below yAxis.left.max; swap the two"),
    ("small", f"{GRAPH}.stat", REMOVE, 'stat is missing, so CloudWatch would use Average; write "stat"'),
    ("small", f"{ROWS}.0.6.stat", "Avg", "metric 1 (all): unknown statistic 'Avg'; expected Average"),
    ("small", f"{ROWS}.2.0.expression", "100 * sum / all", "metric 3 (share) `100 * sum / all`: refers to `sum`, but"),
    ("small", f"{ROWS}.2.0.expression", "SEARCH('{A}', 'Sum') * all", "a search must name its metric"),
    ("small", f"{ROWS}.3.4.visible", False, "metric 4: hidden, but no expression uses it; show it"),
    ("small", f"{ROWS}.0", [], "metric 1 is []; expected [namespace, name"),
    # alarms
    ("slow", "AlarmName", "slow", "AlarmName is 'slow'; remove it, since the template sets faunalens-STAGENAME-slow"),
    ("slow", "AlarmDescription", "Users wait: RUNBOOKURL#slower", "AlarmDescription does not link to the runbook"),
    ("slow", "DatapointsToAlarm", 4, "DatapointsToAlarm exceeds EvaluationPeriods"),
    ("slow", "ExtendedStatistic", "p999", "metric 1: unknown statistic 'p999'"),
    ("slow", "EvaluationPeriods", 289, "Period × EvaluationPeriods is 86,700 s, but at most 86,400 s are allowed"),
    ("share", "Metrics.0.ReturnData", True, "Metrics has 2 entries that return data (requests, few)"),
    ("share", "Metrics.1.ReturnData", False, "Metrics has 0 entries that return data (none)"),
    ("share", EXPRESSION, "IF(request < 3, 1, 0)", "refers to `request`, but no line has this id; known are"),
    ("share", EXPRESSION, "[requests, requests]", 'metric 2 "few" returns TS[], but an alarm watches one TS'),
    ("share", EXPRESSION, "MAX(SEARCH('{A} MetricName=\"A\"', 'Sum')) + requests", "alarms do not support SEARCH"),
    ("share", "Metrics.1.Id", "requests", "metric 1 has id 'requests'; write a lower"),
    ("page", "AlarmRule", 'ALARM("a") AND', "AlarmRule: expected one operator"),
    ("page", "AlarmRule", 'ALARM("faunalens-STAGENAME-slwo")', 'no file defines an alarm "faunalens-STAGENAME-slwo"'),
    ("page", "AlarmDescription", "Wake up.", "AlarmDescription does not link to the runbook"),
]


@pytest.mark.parametrize(("name", "path", "value", "message"), BROKEN, ids=lambda each: str(each)[:40])
def test_findings_name_the_file_and_the_place(name: str, path: str, value: Any, message: str) -> None:
    # GIVEN a good body WHEN one value is broken THEN a finding says what to write
    assert findings(name, BODIES[name]) == []
    found = findings(name, changed(BODIES[name], path, value))
    assert [finding for finding in found if message in finding], found


def test_limits_are_those_of_cloudwatch(monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN more metrics in a graph, and more widgets, than CloudWatch takes
    row = DASHBOARD["widgets"][1]["properties"]["metrics"][3]
    assert "write a list of 1 to 500 metrics" in findings("small", changed(DASHBOARD, ROWS, [row] * 501))[0]
    texts = [{**TEXT, "y": 2 * number, "width": 1} for number in range(501)]
    assert "write a list of 1 to 500 widgets" in findings("small", {**DASHBOARD, "widgets": texts})[0]
    # AND a dashboard with more metrics and bytes than are allowed in these tests
    monkeypatch.setattr(checked, "MOST_METRICS", 3)
    monkeypatch.setattr(checked, "MOST_BYTES", 900)
    metrics, size = findings("small", DASHBOARD)
    assert "the dashboard has 4 metrics, but at most 3 are allowed" in metrics
    assert "bytes, but at most 900 are allowed" in size


def test_an_error_is_reported_once_where_it_is() -> None:
    # GIVEN an expression over one with an error
    body = changed(DASHBOARD, f"{ROWS}.2.0.expression", "all + nothing")
    (found,) = findings("small", changed(body, f"{ROWS}.3", [{"expression": "share * 2", "id": "double"}]))
    assert "metric 3 (share) `all + nothing`: refers to `nothing`" in found


def test_an_alarm_or_a_dashboard_that_no_file_defines_is_found() -> None:
    # GIVEN a dashboard that shows an alarm and links another dashboard
    link = "Small\n[other](https://x#dashboards:name=faunalens-STAGENAME-one-REGIONNAME)"
    body = changed(DASHBOARD, "widgets.0.properties.markdown", link)
    assert findings("small", body, {"alarm": ["slower"], "dashboard": ["ones"]}) == [
        f'{FILE}: widget 1 "Small": no file defines the dashboard "one"; did you mean "ones"?',
        f'{FILE}: widget 4 "Alarms": no file defines the alarm "slow"; did you mean "slower"?',
    ]


def test_references_name_the_metrics_also_of_searches_and_alarms() -> None:
    # GIVEN a search over the routes of a metric
    text = '{Faunalens,service,stage,route} MetricName="Requests" service="faunalens" stage="STAGENAME"'
    body = changed(DASHBOARD, f"{ROWS}.2.0.expression", f"SEARCH('{text}', 'Sum', 60)")
    found = TimeSeries.of("Faunalens", "Requests", DIMENSIONS | {"route": ANY})
    expected = Reference(FILE, 'widget 2 "Load", metric 3 "share"', found, "Sum")
    assert expected in list(check_dashboard(FILE, body, NAMES))
    # AND an alarm
    one, other = (next(check_alarm(FILE, name, BODIES[name])) for name in ("slow", "share"))
    assert one == Reference(FILE, "Metrics, metric 1", TimeSeries.of("Faunalens", "Latency", DIMENSIONS), "p99")
    requests = TimeSeries.of("Faunalens", "Requests", DIMENSIONS)
    assert other == Reference(FILE, 'Metrics, metric 1 "requests"', requests, "Sum")


def test_all_metrics_of_an_alarm_have_one_period() -> None:
    # GIVEN a second metric with another period than the first
    second = changed(changed(SHARE["Metrics"][0], "Id", "slower"), "MetricStat.Period", 60)
    queries = [SHARE["Metrics"][0], second, changed(SHARE["Metrics"][1], "Expression", "IF(requests < slower, 1, 0)")]
    found = findings("share", BODIES["share"] | {"Metrics": queries})
    assert any("Metrics has the periods 60, 300; give all metrics the same period" in each for each in found)


@pytest.mark.parametrize(("period", "most"), [(3600, 168), (60, 1440)])
def test_hours_may_look_back_a_week_and_minutes_a_day(period: int, most: int) -> None:
    bodies = [BODIES["slow"] | {"Period": period, "EvaluationPeriods": each} for each in (most, most + 1)]
    assert [len(findings("slow", body)) for body in bodies] == [0, 1]


def composites(**rules: str) -> list[str]:
    bodies = {name: named(name, {"AlarmRule": rule, "AlarmActions": ["ALARMTOPIC"]}) for name, rule in rules.items()}
    alarms = {name: (f"{name}.json", BODIES[name]) for name in ("slow", "share")}
    return [str(each) for each in composite_findings({name: (f"{name}.json", bodies[name]) for name in bodies}, alarms)]


def test_a_cycle_is_found_without_those_that_only_depend_on_it() -> None:
    # GIVEN a composite that names two that name one another
    rules = {"page": 'ALARM("one") OR ALARM("slow")', "one": 'ALARM("two") OR ALARM("share")', "two": 'NOT OK("one")'}
    (found,) = composites(**{name: rule.replace('("', '("faunalens-STAGENAME-') for name, rule in rules.items()})
    assert found.startswith("one.json: AlarmRule: one, two depend on one another; CloudWatch refuses cycles")


def test_an_alarm_that_notifies_no_one_is_found() -> None:
    # GIVEN an alarm that no composite names
    (found,) = composites(page='ALARM("faunalens-STAGENAME-slow")')
    assert found.startswith('share.json: no composite names this alarm and it has no "AlarmActions", so it notifies no')


# Queries

GROUP = "/aws/lambda/faunalens-STAGENAME"

GOOD_QUERIES = [
    "fields @timestamp, request_id, Latency | sort Latency desc | limit 20",
    "# a comment with | and (\nfilter Faults = 1 and ispresent(request_id)\n| stats count(*) as times by code, route",
    'filter @message like /time?out | none/ or code in ["a", "b"] | display cell',
    "stats avg(TopScore) as score, pct(Latency, 99) as p99 by bin(5m) as minute, taxon | sort minute asc",
    "stats count(*) by bin(5m), cell | filter cell != ''",
    "fields faults.0 as fault, `request_id` | dedup fault",
    'parse @message "took * of *" as took, whole | filter took > 3 | stats max(whole)',
    "filter level = 'ERROR' | fields error, trace, details.0, logger, message, status",
    f"SOURCE '{GROUP}' | SOURCE '{GROUP}-warm' | fields WarmingRuns, quiet",
]
BROKEN_QUERIES = [
    ("", "the query has no command; write for instance"),
    ("feilds cell", 'command 1 begins with "feilds", which is not a command; did you mean "fields"?'),
    ("fields Latencyy", 'command 1 (fields): there is no field "Latencyy" here; did you mean "Latency"?'),
    ("fields lat, lon", 'there is no field "lat" here'),
    ("filter ispresnt(cell)", 'there is no function "ispresnt" here; did you mean "ispresent"?'),
    ("stats count(*) as times by cell | sort Latency desc", 'command 2 (sort): there is no field "Latency" here'),
    ("fields @timestmap", 'there is no field "@timestmap" here; did you mean "@timestamp"?'),
    ("SOURCE '/aws/lambda/faunalens-dev' | fields cell", "the project has no log group"),
    ("fields cell " + "# x" * 4000, "characters, but at most 10,000 are allowed"),
]


@pytest.mark.parametrize("text", GOOD_QUERIES)
def test_a_good_query_has_no_findings(text: str) -> None:
    assert list(query_problems(text, [GROUP])) == []


@pytest.mark.parametrize(("text", "message"), BROKEN_QUERIES, ids=lambda each: str(each)[:40])
def test_findings_of_a_query(text: str, message: str) -> None:
    found = list(query_problems(text))
    assert [problem for problem in found if message in problem], found


# Lint never crashes, whatever a file contains

ANYTHING = st.one_of(
    st.sampled_from([REMOVE, None, True, 0, -1, 1.5, 10**9, "", "x", "STAGENAME", [], {}, [[]], [{}], {"x": []}]),
    st.recursive(st.one_of(st.none(), st.integers(), st.text(max_size=3)), st.lists, max_leaves=4),
)


def paths(body: Any, way: str = "") -> Iterator[str]:
    for key, value in body.items() if isinstance(body, dict) else enumerate(body):
        yield f"{way}{key}"
        if isinstance(value, dict | list):
            yield from paths(value, f"{way}{key}.")


@given(st.sampled_from([(name, path) for name, body in BODIES.items() for path in sorted(paths(body))]), ANYTHING)
@example(("small", f"{GRAPH}.view"), [])
@example(("small", f"{ROWS}.1"), [[]])
@example(("slow", "Period"), True)
@example(("share", "Metrics"), [{"Id": "a", "MetricStat": {}}])
@example(("share", "Metrics.0.MetricStat.Metric.Dimensions"), [{}])
def test_any_body_can_be_checked(at: tuple[str, str], value: Any) -> None:
    # THEN one broken value does not cause findings everywhere
    assert len(findings(at[0], changed(BODIES[at[0]], at[1], value))) <= 12
