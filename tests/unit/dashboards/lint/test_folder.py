"""Lint of a folder: the real one has no findings; a name that changes on one side only has."""

import re
import shutil
from pathlib import Path

import pytest

from chalicelib.telemetry import metrics
from chalicelib.telemetry.metrics import Metric
from dashboards.lint.folder import FolderCheck, main, usage
from dashboards.project import DASHBOARDS
from tests.unit.dashboards.lint.small_folder import METRICS, use_metrics, write

ROOT = DASHBOARDS.parent


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small valid folder."""
    use_metrics(monkeypatch)
    return write(tmp_path)


def findings(folder: Path) -> list[str]:
    return [str(finding) for finding in FolderCheck(folder).findings]


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_nothing_is_wrong_with_the_real_files() -> None:
    report = FolderCheck()
    assert [str(finding) for finding in report.findings] == []
    assert report.files > 60


def test_a_metric_renamed_in_code_alone_is_found_on_both_sides(monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN the registry with Degraded under another name
    renamed = {"NotNarrowed" if name == "Degraded" else name: metric for name, metric in metrics.METRICS.items()}
    monkeypatch.setattr(metrics, "METRICS", renamed)
    # WHEN the real files are checked
    found = "\n".join(findings(DASHBOARDS))
    # THEN each widget and alarm with the old name is reported, and the new name as unused, with the likely reason
    assert re.search(
        r'^dashboards/service.json: widget \d+ ".*": the app emits no metric "Degraded"', found, re.MULTILINE
    )
    assert "\ndashboards/alarms/degraded.json: " in found
    unused = (
        r"^chalicelib/telemetry/metrics.py: NotNarrowed \(service, stage\): no widget and no alarm uses this metric"
    )
    assert re.search(rf"{unused}.*; if it replaces Degraded, change the name in", found, re.MULTILINE)


def test_all_findings_are_listed_and_counted(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert (main([str(small)]), capsys.readouterr().out) == (0, "no problems found in 5 files\n")
    # GIVEN two files with a problem
    replace(small / "small.json", "timeSeries", "lines")
    replace(small / "alarms" / "slow.json", "notBreaching", "whatever")
    assert main([str(small)]) == 1
    out, err = capsys.readouterr()
    assert [line.split(":")[0] for line in out.splitlines()] == ["dashboards/alarms/slow.json", "dashboards/small.json"]
    assert err == "2 problems found\n"


RUNBOOK = "../docs/how-to/runbook.md"
BROKEN = [
    ("small.json", 'faunalens-STAGENAME"', 'faunalens-STAGNAME"', '"STAGNAME" is not a placeholder, so it would stay'),
    ("small.json", "100 * some", "PRICE_WALK * some", "PRICE_WALK: no price in prices.csv and no limit has"),
    ("small.json", "RUNBOOKURL#slow", "RUNBOOKURL#slwo", "RUNBOOKURL#slwo: docs/how-to/runbook.md has no such"),
    ("small.json", "alarm:faunalens-STAGENAME-slow", "alarm:faunalens-STAGENAME-slo", "no file defines the alarm"),
    ("small.json", '"route", "/identify"', '"route", "/animal"', 'route is "/animal", which the app never emits; did'),
    ("queries/slowest.txt", "Latency desc", "Latencies desc", "slowest.txt: command 3 (sort): there is no field "),
    ("queries/slowest.txt", "# The", "# log group: /aws/x\n# The", 'the project has no log group "/aws/x"'),
    (RUNBOOK, "## share", "## shares", "docs/how-to/runbook.md: alarm share has no section; write `## share`"),
    (RUNBOOK, "## share", "## shares", "runbook.md: ## shares: no file defines an alarm with this name"),
    ("composites/page.json", "-share", "-rare", 'no file defines an alarm "faunalens-STAGENAME-rare"'),
]


@pytest.mark.parametrize(("file", "old", "new", "message"), BROKEN, ids=lambda each: str(each)[:30])
def test_findings_of_a_folder(small: Path, file: str, old: str, new: str, message: str) -> None:
    path = small / file
    path.write_text(path.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
    found = findings(small)
    assert [finding for finding in found if message in finding], found


def test_a_stage_that_lacks_a_limit_is_found(small: Path) -> None:
    # GIVEN the real stages, one of them broken
    root = small.parent
    shutil.copytree(ROOT / "infra" / "stages", root / "infra" / "stages")
    shutil.copytree(ROOT / ".chalice", root / ".chalice")
    replace(root / "infra" / "stages" / "dev.json", "DatabaseMaxCapacity", "DatabaseMostCapacity")
    (found,) = findings(small)
    assert found.startswith('infra/stages/dev.json: DatabaseMaxCapacity of dev is ""; alarms need a plain number')


def test_an_emitted_metric_that_no_file_shows_is_found(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_metrics(monkeypatch, METRICS | {"Quiet": Metric("Count", "quiet", by=("code",))})
    unused = [each.split(": ")[1] for each in findings(small)]
    assert unused == ["Quiet (service, stage)", "Quiet (service, stage, code)"]


def test_a_file_that_cannot_be_read_does_not_hide_the_others(small: Path) -> None:
    (small / "small.json").write_text("[]", encoding="utf-8")
    (small / "queries" / "slowest.txt").write_bytes(b"\xff")
    assert findings(small) == [
        "dashboards/queries/slowest.txt: byte 0 is not UTF-8; save the file as UTF-8",
        "dashboards/small.json: the file is not a JSON object; write {…}",
    ]


def test_a_folder_without_dashboards_or_a_runbook_is_reported(small: Path, tmp_path: Path) -> None:
    (found,) = findings(tmp_path)
    assert "there is no dashboard (*.json) in this folder" in found
    (small.parent / "docs" / "how-to" / "runbook.md").unlink()
    (found,) = findings(small)
    assert found.startswith("docs/how-to/runbook.md: the file is missing; write it")


def test_a_metric_names_its_dashboards_and_alarms(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN a small folder, and a registry with one metric that no file uses
    registry = {**METRICS, "Unused": metrics.METRICS["Requests"]}
    use_metrics(monkeypatch, registry)
    found = usage(write(tmp_path))
    # THEN the used ones name their files, and the other none
    assert [found[name] for name in registry] == [(["small"], ["share"]), ([], ["slow"]), ([], [])]
