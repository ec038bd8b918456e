import json
from pathlib import Path

import pytest

from local.lambda_sim.log import FunctionLog
from local.lambda_sim.report import InvocationReport

WARM = InvocationReport("7e65", duration=12.3, memory=1769, memory_used=110, init=None)
COLD = InvocationReport("7e65", duration=12.3, memory=1769, memory_used=110, init=200.6)


def test_a_report_reads_as_lambdas() -> None:
    assert str(WARM).split("\t") == [
        "REPORT RequestId: 7e65",
        "Duration: 12.30 ms",
        "Billed Duration: 13 ms",
        "Memory Size: 1769 MB",
        "Max Memory Used: 110 MB",
    ]


def test_initialisation_is_reported_and_billed() -> None:
    assert COLD.billed == 213
    assert str(COLD).endswith("\tInit Duration: 200.60 ms")


def test_lines_go_to_the_log_the_metrics_and_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN a log of an earlier run
    (tmp_path / "api.log").write_text("old")
    log, metrics = FunctionLog(tmp_path, tmp_path / "metrics.jsonl"), json.dumps({"_aws": {}, "Requests": 1})
    # WHEN containers print and Lambda reports
    for container, line in (("api-1", metrics), ("api-2", "hello"), ("api-1", str(WARM))):
        log.write("api", container, line)
    # THEN the function's log has all lines, the metrics file only metrics, and the terminal only the report
    assert (tmp_path / "api.log").read_text() == f"api-1 {metrics}\napi-2 hello\napi-1 {WARM}\n"
    assert (tmp_path / "metrics.jsonl").read_text() == f"{metrics}\n"
    assert capsys.readouterr().out.startswith("api-1 REPORT RequestId: 7e65")
