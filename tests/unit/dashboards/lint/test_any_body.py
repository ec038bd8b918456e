"""Lint never crashes, whatever a file contains."""

from collections.abc import Iterator
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from dashboards.lint.body import check_alarm, check_dashboard, composite_findings
from tests.unit.dashboards.lint.small_folder import DASHBOARD, PAGE, REMOVE, SHARE, SLOW, changed

ANYTHING = st.one_of(
    st.sampled_from([REMOVE, None, True, 0, -1, 1.5, 10**9, "", "x", "STAGENAME", [], {}, [[]], [{}], {"x": []}]),
    st.recursive(st.one_of(st.none(), st.integers(), st.text(max_size=3)), st.lists, max_leaves=4),
)


def paths(body: Any, way: str = "") -> Iterator[str]:
    for key, value in body.items() if isinstance(body, dict) else enumerate(body):
        yield f"{way}{key}"
        if isinstance(value, dict | list):
            yield from paths(value, f"{way}{key}.")


@given(st.sampled_from(sorted(paths(DASHBOARD))), ANYTHING)
@example("widgets.1.properties.view", [])
@example("widgets.1.properties.yAxis.left", {"min": "0", "max": 1})
@example("widgets.1.properties.metrics.1", [[]])
def test_any_dashboard_can_be_checked(path: str, value: Any) -> None:
    found = list(check_dashboard("f.json", changed(DASHBOARD, path, value), {"alarm": ["slow"], "dashboard": []}))
    # THEN one broken value does not cause findings everywhere
    assert len(found) <= 12


ALARMS = {"slow": SLOW, "share": SHARE, "page": PAGE}


@given(st.sampled_from([(name, path) for name, body in ALARMS.items() for path in sorted(paths(body))]), ANYTHING)
@example(("slow", "Dimensions"), [{}])
@example(("slow", "Period"), True)
@example(("share", "Metrics"), [{"Id": "a", "MetricStat": {}}])
@example(("share", "Metrics.0.MetricStat.Metric.Dimensions"), [{}])
def test_any_alarm_and_any_composite_can_be_checked(at: tuple[str, str], value: Any) -> None:
    name, path = at
    body = changed({"AlarmName": f"faunalens-STAGENAME-{name}"} | ALARMS[name], path, value)
    files = {each: (f"{each}.json", body if each == name else ALARMS[each]) for each in ALARMS}
    found = list(composite_findings({"page": files.pop("page")}, files))
    assert all(str(each) for each in [*found, *(check_alarm("f.json", name, body) if name != "page" else ())])
