"""The gate lets a version pass that works, and says of any other why not; CodeDeploy always hears of it."""

import base64
import json
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import boto3
import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse, HeadersDict
from urllib3 import HTTPResponse

from infra.release import gate, live
from infra.release.gate import ANSWER, START_LIMIT, Refused, handler, judge

HEALTHY = {"status": "ok", **{part: {"state": "ok", "detail": None} for part in ("model", "cache", "database")}}
NO_DATABASE = {**HEALTHY, "status": "degraded", "database": {"state": "failing", "detail": "postgres_unreachable"}}
NAMED = {
    "message": "Likely: domestic cat.",
    "prediction": {"scientific_name": ANSWER},
    "features": {"mode": "narrowed", "version": "2026-11"},
    "model": {"version": "71d949d78aae"},
}


class Functions:
    """The functions of a stage. `health`: answers to `/health`, in order, the last for good."""

    def __init__(
        self,
        *health: Mapping[str, Any],
        answer: Mapping[str, Any] = NAMED,
        start: float = 1234.5,
        prepared: Mapping[str, Any] = {"code": 0, "said": ""},
    ) -> None:
        self.health, self.answer, self.start, self.prepared = list(health or [HEALTHY]), answer, start, prepared
        self.calls: list[tuple[str, str]] = []

    def invoke(self, function: str, event: Mapping[str, Any]) -> tuple[Any, str]:
        self.calls.append((function, " ".join(event.get("command", [event.get("path", "")]))))
        if "command" in event:
            return self.prepared, ""
        if event["path"] == "/identify":
            return {"statusCode": 200, "body": json.dumps(self.answer)}, ""
        state = self.health.pop(0) if len(self.health) > 1 else self.health[0]
        return {"statusCode": 200, "body": json.dumps(state)}, f"REPORT\tInit Duration: {self.start:.2f} ms\t"


def judged(functions: Functions) -> str:
    return judge(functions.invoke, "faunalens-dev:7", "faunalens-dev-admin:live", "dev_faunalens_app")


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "PAUSE", 0.0)
    monkeypatch.setattr(gate, "PATIENCE", 0.05)


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("API", "faunalens-dev"), ("ADMIN", "faunalens-dev-admin:live"), ("DATABASE_USER", "u")):
        monkeypatch.setenv(name, value)


def test_a_version_that_works_is_let_pass_after_its_schema_is_added() -> None:
    functions = Functions()
    seen = judged(functions)
    assert seen == "faunalens-dev:7: model 71d949d78aae, dataset 2026-11, started in 1234 ms"
    # THEN the schema came first, and the version was called by its number
    assert functions.calls[0] == ("faunalens-dev-admin:live", "prepare dev_faunalens_app --patience 40")
    assert {name for name, _ in functions.calls[1:]} == {"faunalens-dev:7"}
    # AND it waits for a paused database
    assert judged(Functions(NO_DATABASE, NO_DATABASE, HEALTHY))


@pytest.mark.parametrize(
    ("functions", "why"),
    [
        (Functions(NO_DATABASE), "health is degraded: .*'database': 'postgres_unreachable'"),
        (Functions(start=START_LIMIT + 1), "took 5001 ms to start"),
        (Functions(answer={**NAMED, "prediction": {"scientific_name": "Canis lupus"}}), "was named Canis lupus"),
        (Functions(answer={**NAMED, "features": {"mode": "degraded"}}), "could not be read with this schema"),
        (Functions(answer={"title": "gone"}), "was named None: {'title': 'gone'}"),
        (Functions(prepared={"code": 1, "said": "error: no rights\n"}), "could not be added: error: no rights"),
    ],
)
def test_any_other_version_is_refused_with_the_reason(functions: Functions, why: str) -> None:
    with pytest.raises(Refused, match="^.*" + why.replace("{", r"\{").replace("}", r"\}")):
        judged(functions)


VERDICT = {"live": "5a0b", "new": "71d949d78aae", "better": 3, "worse": 21, "same": 90, "is_worse": True}


def test_a_model_that_people_found_worse_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "VERDICT", VERDICT)
    with pytest.raises(Refused, match=r"worse than 5a0b by more than noise, .* worse about 21 photos, better about 3"):
        judged(Functions())
    # AND neither one that is no worse than chance makes it, nor another model than was compared
    for changed in ({"is_worse": False}, {"new": "another"}):
        monkeypatch.setattr(gate, "VERDICT", {**VERDICT, **changed})
        assert judged(Functions())


@pytest.mark.parametrize("kept", [VERDICT, None])
def test_what_the_comparison_said_is_in_the_code_of_the_gate(
    kept: dict[str, Any] | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "ROOT", tmp_path)
    (tmp_path / "model").mkdir()
    if kept:
        (tmp_path / "model" / "verdict.json").write_text(json.dumps(kept))
    names: dict[str, Any] = {}
    exec(live.gate()["Gate"]["Properties"]["Code"]["ZipFile"], names)  # noqa: S102  as Lambda runs it
    assert names["VERDICT"] == (kept or {})
    assert names["PHOTO"]


def deployment_of(version: str, kind: str) -> Mock:
    """Return CodeDeploy with a deployment of a version, in one of its two forms of a revision (`kind`)."""
    properties = {"Name": "faunalens-dev", "Alias": "live", "CurrentVersion": "6", "TargetVersion": version}
    content = {"version": 0.0, "Resources": [{"live": {"Type": "AWS::Lambda::Function", "Properties": properties}}]}
    named, codedeploy = {"applicationName": "releases", "revision": {kind: {"sha256": "0"}}}, Mock()
    codedeploy.get_deployment.return_value = {"deploymentInfo": named}
    codedeploy.get_application_revision.return_value = {"revision": {kind: {"content": json.dumps(content)}}}
    return codedeploy


BROKEN = Mock(**{"get_deployment.side_effect": KeyError("deploymentInfo")})
ARN = "arn:aws:lambda:eu-west-1:123456789012:function:faunalens-dev:7"
NO_MODULE = "No module named 'numpy'"


@pytest.mark.parametrize(
    ("codedeploy", "error", "status", "says"),
    [
        (deployment_of("7", "appSpecContent"), "", "Succeeded", "faunalens-dev:7: model 71d949d78aae"),
        (deployment_of(ARN, "string"), "", "Succeeded", "faunalens-dev:7: model 71d949d78aae"),
        (deployment_of("7", "string"), NO_MODULE, "Failed", f"refused: faunalens-dev-admin:live failed: {NO_MODULE}"),
        (BROKEN, "", "Failed", "refused: KeyError"),
    ],
    ids=["a version by its number", "a version by its ARN", "a package that cannot start", "an unknown deployment"],
)
def test_codedeploy_hears_of_it_whatever_happens(
    monkeypatch: pytest.MonkeyPatch, codedeploy: Mock, error: str, status: str, says: str
) -> None:
    functions = Functions()

    def invoke(*, FunctionName: str, Qualifier: str, LogType: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803
        assert LogType == "Tail"
        if error:
            return {"FunctionError": "Unhandled", "Payload": BytesIO(json.dumps({"errorMessage": error}).encode())}
        result, log = functions.invoke(f"{FunctionName}:{Qualifier}", json.loads(Payload))
        return {"Payload": BytesIO(json.dumps(result).encode()), "LogResult": base64.b64encode(log.encode()).decode()}

    monkeypatch.setattr(boto3, "client", lambda name, **_: codedeploy if name == "codedeploy" else Mock(invoke=invoke))
    assert handler({"DeploymentId": "d-1", "LifecycleEventHookExecutionId": "e-1"}, None).startswith(says)
    reported = codedeploy.put_lifecycle_event_hook_execution_status.call_args.kwargs
    assert reported == {"deploymentId": "d-1", "lifecycleEventHookExecutionId": "e-1", "status": status}


def test_a_function_that_is_busy_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN the administrative function in use, which has one container, for instance by `infra releases`
    client, codedeploy, functions, statuses = boto3.client, deployment_of("7", "string"), Functions(), [429, 429]

    def send(request: AWSPreparedRequest, **_: object) -> AWSResponse:
        status = statuses.pop() if statuses else 200
        path, _, query = request.url.partition("/functions/")[2].partition("/invocations?Qualifier=")
        result, log = functions.invoke(f"{path}:{query}", json.loads(request.body)) if status == 200 else ({}, "")
        named = {"x-amzn-errortype": "TooManyRequestsException"} if status == 429 else {}
        headers = {"x-amz-log-result": base64.b64encode(log.encode()).decode(), **named}
        body = HTTPResponse(BytesIO(json.dumps(result).encode()), preload_content=False)
        return AWSResponse(request.url, status, HeadersDict(headers), body)

    def connect(name: str, **options: Any) -> Any:
        if name == "codedeploy":
            return codedeploy
        found = client(name, "eu-west-1", aws_access_key_id="testing", aws_secret_access_key="testing", **options)
        found.meta.events.register("before-send.lambda.Invoke", send)
        return found

    monkeypatch.setattr(boto3, "client", connect)
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)
    # WHEN a version is judged THEN it passes
    seen = handler({"DeploymentId": "d-1", "LifecycleEventHookExecutionId": "e-1"}, None)
    assert (seen.startswith("faunalens-dev:7: model 71d949d78aae"), statuses) == (True, [])
