"""Lint of one dashboard: each rule with a body that breaks only this rule."""

from typing import Any

import pytest

from dashboards.expression import ANY
from dashboards.graphed_metrics import TimeSeries
from dashboards.lint import LintFinding
from dashboards.lint import body as checked
from dashboards.lint.body import check_dashboard
from dashboards.lint.known_metrics import Reference
from tests.unit.dashboards.lint.small_folder import DASHBOARD, REMOVE, TEXT, changed

FILE = "dashboards/small.json"
NAMES = {"alarm": ["slow"], "dashboard": ["small"]}
ROWS = "widgets.1.properties.metrics"

BROKEN: list[tuple[str, Any, str]] = [
    # the whole
    ("widgets", REMOVE, "'widgets' is a required property"),
    ("widget", [], "('widget' was unexpected); did you mean \"widgets\"?"),
    ("start", "3 hours", 'start is "3 hours"; write a relative time such as "-PT3H"'),
    ("variables", REMOVE, "variables: no variable has the pattern STAGENAME"),
    ("variables.0.inputType", "list", 'variables[1].inputType is "list"; write input or radio or select'),
    ("variables.0.values", REMOVE, "write values, or search and populateFrom, so that there are choices"),
    # widgets
    ("widgets.1.type", "metrics", 'type is "metrics"; write metric or text or log or alarm'),
    ("widgets.1.colour", "red", "('colour' was unexpected); write one of height, properties, type, width, x, y"),
    ("widgets.1.width", 13, 'widget 3 "Slowest": overlaps widget 2 "Load"; move it'),
    ("widgets.3.y", 7, 'widget 4 "Alarms": overlaps widget 3 "Slowest"; move it'),
    ("widgets.2.width", 13, 'widget 3 "Slowest": reaches column 25 of 24; write a width of at most 12'),
    ("widgets.2.properties.query", "fields @timestamp", "write a query that starts with its log groups: SOURCE"),
    (
        "widgets.2.properties.query",
        "SOURCE '/aws/lambda/faunalens-STAGENAME' | fields Latencyy",
        'there is no field "Latencyy" here; did you mean "Latency"?',
    ),
    ("widgets.3.properties.alarms", ["slow"], 'alarms[1] is "slow"; write an ARN such as arn:aws:cloudwatch:REGION'),
    # graphs
    ("widgets.1.properties.region", "eu-west-1", 'region is "eu-west-1"; write the placeholder "REGIONNAME"'),
    ("widgets.1.properties.veiw", "bar", "('veiw' was unexpected); did you mean \"view\"?"),
    ("widgets.1.properties.period", 90, "period is 90; write seconds as a multiple of 60"),
    ("widgets.1.properties.annotations.horizontal.0.color", "red", 'horizontal[1].color is "red"; write a colour as #'),
    ("widgets.1.properties.annotations.horizontal.0", [{"value": 1}], "write a band of two thresholds, or one"),
    ("widgets.1.properties.yAxis.left.min", 11, "yAxis.left.min must be below yAxis.left.max; swap the two"),
    ("widgets.1.properties.sparkline", True, 'sparkline is true; write nothing: it is for the view "singleValue"'),
    (
        "widgets.1.properties.setPeriodToTimeRange",
        True,
        "write false, or another view: it reduces a curve to one point",
    ),
    ("widgets.1.properties.metrics", REMOVE, "write metrics, or an alarm in annotations; the graph would be empty"),
    # lines
    (
        f"{ROWS}.0.6.colour",
        "#ffffff",
        "metrics[1][7]: Additional properties are not allowed ('colour' was unexpected); did you mean \"color\"?",
    ),
    (f"{ROWS}.0.6.id", "All", 'metrics[1][7].id is "All"; write an id of letters, digits and _'),
    (f"{ROWS}.0.6.stat", "Avg", "metric 1 (all): unknown statistic 'Avg'; expected Average"),
    ("widgets.1.properties.stat", REMOVE, 'stat is missing, so CloudWatch would use Average; write "stat"'),
    (f"{ROWS}.2.0.expression", "100 * sum / all", "metric 3 (share) `100 * sum / all`: refers to `sum`, but no"),
    (f"{ROWS}.3.4.visible", False, "metric 4: hidden, but no expression uses it; show it"),
    (f"{ROWS}.2.0.expression", "SEARCH('{Faunalens,service}', 'Sum') * all", "a search must name its metric"),
    (f"{ROWS}.2.0.expression", "100 * some +", "metric 3 (share) `100 * some +`: expected one operator"),
    (f"{ROWS}.0", [], "metric 1 is []; expected [namespace, name"),
]


def findings(body: dict[str, Any]) -> list[str]:
    found = check_dashboard(FILE, body, NAMES)
    return [str(each) for each in found if isinstance(each, LintFinding)]


def test_a_good_one_has_no_findings() -> None:
    assert findings(DASHBOARD) == []


@pytest.mark.parametrize(("path", "value", "message"), BROKEN, ids=lambda each: str(each)[:40])
def test_findings_name_file_and_place(path: str, value: Any, message: str) -> None:
    # GIVEN a good dashboard WHEN one value is broken THEN a finding names the file and says what to write
    found = findings(changed(DASHBOARD, path, value))
    assert [finding for finding in found if message in finding], found
    assert all(finding.startswith(f"{FILE}: ") for finding in found)


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        (("view", "gauge"), ("yAxis", {"left": {"min": 0}}), "yAxis.left: 'max' is a required property"),
        (("stacked", True), ("view", "bar"), 'stacked is true; write false: only the view "timeSeries" stacks'),
    ],
)
def test_two_properties_have_to_fit(first: tuple[str, Any], second: tuple[str, Any], message: str) -> None:
    body = changed(DASHBOARD, f"widgets.1.properties.{first[0]}", first[1])
    assert findings(body) == []
    (found,) = findings(changed(body, f"widgets.1.properties.{second[0]}", second[1]))
    assert message in found


def test_limits_are_those_of_cloudwatch(monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN more metrics in a graph, and more widgets, than CloudWatch takes
    row = DASHBOARD["widgets"][1]["properties"]["metrics"][3]
    over = changed(DASHBOARD["widgets"][1], "properties.metrics", [row] * 501)
    assert "write a list of 1 to 500 metrics" in findings(changed(DASHBOARD, "widgets.1", over))[0]
    texts = [{**TEXT, "y": 2 * number, "width": 1} for number in range(501)]
    assert "write a list of 1 to 500 widgets" in findings({**DASHBOARD, "widgets": texts})[0]
    # AND a dashboard with more metrics and bytes than are allowed in these tests
    monkeypatch.setattr(checked, "MOST_METRICS", 3)
    monkeypatch.setattr(checked, "MOST_BYTES", 900)
    metrics, size = findings(DASHBOARD)
    assert "the dashboard has 4 metrics, but at most 3 are allowed" in metrics
    assert "bytes, but at most 900 are allowed" in size


def test_an_error_is_reported_once_where_it_is() -> None:
    # GIVEN an expression over one with an error
    body = changed(DASHBOARD, f"{ROWS}.2.0.expression", "all + nothing")
    (found,) = findings(changed(body, f"{ROWS}.3", [{"expression": "share * 2", "id": "double"}]))
    assert "metric 3 (share) `all + nothing`: refers to `nothing`" in found


def test_an_alarm_or_a_dashboard_that_no_file_defines_is_found() -> None:
    # GIVEN a dashboard that shows an alarm and links another dashboard
    link = "Small\n[other](https://x#dashboards:name=faunalens-STAGENAME-one-REGIONNAME)"
    body = changed(DASHBOARD, "widgets.0.properties.markdown", link)
    assert list(map(str, check_dashboard(FILE, body, {"alarm": ["slower"], "dashboard": ["ones"]})))[:1] == [
        f'{FILE}: widget 1 "Small": no file defines the dashboard "one"; did you mean "ones"?'
    ]
    found = map(str, check_dashboard(FILE, body, {"alarm": ["slower"], "dashboard": ["one"]}))
    assert f'{FILE}: widget 4 "Alarms": no file defines the alarm "slow"; did you mean "slower"?' in found


def test_references_include_the_metrics_of_searches() -> None:
    # GIVEN a search over the routes of a metric
    text = '{Faunalens,service,stage,route} MetricName="Requests" service="faunalens" stage="STAGENAME"'
    body = changed(DASHBOARD, f"{ROWS}.2.0.expression", f"SEARCH('{text}', 'Sum', 60)")
    # THEN it is a reference
    dimensions = {"service": "faunalens", "stage": "STAGENAME", "route": ANY}
    found = TimeSeries.of("Faunalens", "Requests", dimensions)
    expected = Reference(FILE, 'widget 2 "Load", metric 3 "share"', found, "Sum")
    assert expected in list(check_dashboard(FILE, body, NAMES))
