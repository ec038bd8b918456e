"""Where each metric is seen."""

from pathlib import Path

import pytest

from chalicelib.telemetry import metrics
from cloudwatch.lint import usage as module
from cloudwatch.lint.usage import usage
from tests.unit.cloudwatch.lint import made


def test_a_metric_names_its_dashboards_and_alarms(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN a small folder, and a registry with one metric that nobody looks at
    monkeypatch.setattr(module, "METRICS", {**made.METRICS, "Nobody": metrics.METRICS["Requests"]})
    found = usage(made.write(tmp_path))
    # THEN what is shown and watched says where, and the other nothing
    assert (found["Requests"].dashboards, found["Requests"].alarms) == (["small"], ["share"])
    assert (found["Latency"].dashboards, found["Latency"].alarms) == ([], ["slow"])
    assert (found["Nobody"].dashboards, found["Nobody"].alarms) == ([], [])


def test_every_metric_of_ours_is_seen_somewhere() -> None:
    for name, each in usage().items():
        assert each.dashboards or each.alarms, name
