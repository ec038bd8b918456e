"""Functions are read from the template; reports and logs are as on Lambda."""

import json
from pathlib import Path

import pytest

from local.lambda_sim.container import InvocationReport
from local.lambda_sim.deployment import FunctionLog, read_functions

VARIABLES = {"STAGE": "dev", "DATABASE_URL": {"Fn::Sub": "${Database}"}}
PROPERTIES = (
    {"Handler": "app.app", "MemorySize": 1769, "Timeout": 29, "Environment": {"Variables": VARIABLES}},
    {"Handler": "app.warm", "MemorySize": 512, "Timeout": 60, "ReservedConcurrentExecutions": 1},
)


def test_functions_are_read_from_the_template() -> None:
    resources = [{"Type": "AWS::Serverless::Function", "Properties": each} for each in PROPERTIES]
    others = {"Type": "AWS::IAM::Role", "Properties": {}}
    functions = read_functions({"Resources": dict(enumerate([others, *resources]))}, "faunalens", "dev")
    # THEN the API's function has the name of the application, and references to the stack are left out
    api = functions["app.app"]
    assert (api.name, api.memory, api.timeout, api.concurrency) == ("faunalens-dev", 1769, 29, 10)
    assert api.environment == {"STAGE": "dev"}
    # AND the others have their handler's name appended
    warm = functions["app.warm"]
    assert (warm.name, warm.concurrency) == ("faunalens-dev-warm", 1)
    assert warm.arn == "arn:aws:lambda:us-east-1:123456789012:function:faunalens-dev-warm"


WARM = InvocationReport("7e65", duration=12.3, memory=1769, memory_used=110, init=None)


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
