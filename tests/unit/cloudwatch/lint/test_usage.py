"""Where each metric is used."""

from pathlib import Path

import pytest

from chalicelib.telemetry import metrics
from cloudwatch.lint.usage import usage
from tests.unit.cloudwatch.lint import small_folder


def test_a_metric_names_its_dashboards_and_alarms(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN a small folder, and a registry with one metric that no file uses
    registry = {**small_folder.METRICS, "Unused": metrics.METRICS["Requests"]}
    small_folder.use_metrics(monkeypatch, registry)
    found = usage(small_folder.write(tmp_path))
    # THEN the used ones name their files, and the other none
    assert (found["Requests"].dashboards, found["Requests"].alarms) == (["small"], ["share"])
    assert (found["Latency"].dashboards, found["Latency"].alarms) == ([], ["slow"])
    assert (found["Unused"].dashboards, found["Unused"].alarms) == ([], [])


def test_every_metric_of_the_app_is_used_somewhere() -> None:
    for name, each in usage().items():
        assert each.dashboards or each.alarms, name
