"""The gate: a Lambda function that tests a new version of the API, by its number, before the alias sends it traffic.

The gate consists of this file alone and the libraries of the runtime, so it can report even a package that cannot
start. CodeDeploy calls it (BeforeAllowTraffic), and by the status that it reports goes on or takes the release back.
First the gate lets the function `admin`, which is new by then, add what this release's schema adds: the version that
still answers and the new one both work with it.
"""

import base64
import json
import os
import re
from collections.abc import Callable, Mapping
from time import monotonic, sleep
from typing import Any

PHOTO = ""
"""A photo of a cat in base64. infra/release/live.py puts infra/release/cat.jpg here."""
VERDICT: Mapping[str, Any] = {}
"""What `python -m model evaluate --corrections` says of a model. infra/release/live.py puts model/verdict.json here."""
ANSWER = "Felis catus"
PLACE = {"lat": ["51.5"], "lon": ["-0.1"]}
START_LIMIT = 5000.0
"""Milliseconds that a new process may take. It takes about 1,500; the first of a version also loads its package."""
PATIENCE, PAUSE = 120.0, 3.0
"""Seconds to wait until all parts are healthy, as a paused database takes up to 30; and between two questions."""

Invoke = Callable[[str, Mapping[str, Any]], tuple[Any, str]]
"""Calls a function with an event. Returns its result, and the end of its log, with Lambda's REPORT line."""


class Refused(Exception):
    """The tested version must not get traffic. The message says why."""


def handler(event: Mapping[str, str], _context: Any) -> str:
    """Test the version of a deployment, report the result to CodeDeploy, and return a summary."""
    import boto3
    from botocore.config import Config

    codedeploy = boto3.client("codedeploy")
    # Other callers may keep a function's containers busy, and `admin` has one. Every call here can be repeated.
    retries = {"mode": "standard", "total_max_attempts": 8}
    lambdas = boto3.client("lambda", config=Config(read_timeout=310, retries=retries))

    def invoke(function: str, event: Mapping[str, Any]) -> tuple[Any, str]:
        name, _, qualifier = function.partition(":")
        answer = lambdas.invoke(
            FunctionName=name, Qualifier=qualifier, LogType="Tail", Payload=json.dumps(event, allow_nan=False).encode()
        )
        result = json.loads(answer["Payload"].read())
        if "FunctionError" in answer:
            raise Refused(f"{function} failed: {result.get('errorMessage', result)}")
        return result, base64.b64decode(answer.get("LogResult", "")).decode(errors="replace")

    status = "Failed"
    try:
        version = target_version(codedeploy, event["DeploymentId"])
        seen = judge(invoke, f"{os.environ['API']}:{version}", os.environ["ADMIN"], os.environ["DATABASE_USER"])
        status = "Succeeded"
    except Exception as error:  # noqa: BLE001, whatever happened, CodeDeploy must not wait for an hour
        seen = f"refused: {error if isinstance(error, Refused) else repr(error)}"
    print(seen)
    codedeploy.put_lifecycle_event_hook_execution_status(
        deploymentId=event["DeploymentId"],
        lifecycleEventHookExecutionId=event["LifecycleEventHookExecutionId"],
        status=status,
    )
    return seen


def target_version(codedeploy: Any, deployment: str) -> str:
    """Return the version number to which the deployment with this id shifts traffic. `codedeploy`: a boto3 client."""
    found = codedeploy.get_deployment(deploymentId=deployment)["deploymentInfo"]
    revision = codedeploy.get_application_revision(
        applicationName=found["applicationName"], revision=found["revision"]
    )["revision"]
    text: str = (revision.get("appSpecContent") or revision["string"])["content"]
    (resource,) = json.loads(text)["Resources"]
    (function,) = resource.values()
    return str(function["Properties"]["TargetVersion"]).rpartition(":")[2]  # a number, or an ARN that ends with it


def judge(invoke: Invoke, version: str, admin: str, user: str) -> str:
    """Test a version, such as `faunalens-dev:7`. Return a summary. Raise `Refused` if it must not get traffic.

    `admin`: the function that updates the schema. `user`: the app's login at the database.
    """
    prepared, _ = invoke(admin, {"command": ["prepare", user, "--patience", "40"]})
    if prepared["code"]:
        raise Refused(f"the schema of this release could not be added: {prepared['said'].strip()}")
    health, start = _wait_for_health(invoke, version)
    if start > START_LIMIT:
        raise Refused(f"a process took {start:.0f} ms to start, but the limit is {START_LIMIT:.0f} ms")
    if health["status"] != "ok":
        parts = {part: health[part]["detail"] or "ok" for part in ("model", "cache", "database") if part in health}
        raise Refused(f"health is {health['status']}: {parts or health.get('detail')}")
    answer, _ = _request(invoke, version, "POST", "/identify", PLACE, PHOTO)
    named = (answer.get("prediction") or {}).get("scientific_name")
    if named != ANSWER:
        raise Refused(f"the photo of {ANSWER} was named {named}: {answer.get('message', answer)}")
    model = answer["model"]["version"]
    if VERDICT.get("new") == model and VERDICT["is_worse"]:
        raise Refused(
            f"model {model} is worse than {VERDICT['live']} by more than noise, by people's corrections and reviews: "
            f"worse about {VERDICT['worse']} photos, better about {VERDICT['better']}; "
            "mend it, or compare again: python -m model evaluate --corrections"
        )
    features = answer["features"]
    if features["mode"] == "degraded":
        raise Refused("the animals of a place could not be read with this schema and dataset")
    return f"{version}: model {model}, dataset {features['version']}, started in {start:.0f} ms"


def _wait_for_health(invoke: Invoke, version: str) -> tuple[Any, float]:
    """Return the health of all parts, and how many ms the version's process took to start; 0 if it was running."""
    began, (health, log) = monotonic(), _health(invoke, version)
    started = re.search(r"(?:Init|Restore) Duration: ([\d.]+) ms", log)
    while health["status"] != "ok" and monotonic() - began < PATIENCE:
        sleep(PAUSE)
        health, _ = _health(invoke, version)
    return health, float(started[1]) if started else 0.0


def _health(invoke: Invoke, version: str) -> tuple[Any, str]:
    return _request(invoke, version, "GET", "/health", {"deep": ["true"]})


def _request(
    invoke: Invoke, version: str, method: str, path: str, query: Mapping[str, list[str]], photo: str | None = None
) -> tuple[Any, str]:
    """Return the JSON of a response, and the end of the log. Unlike the public API's, the event has no API id."""
    event = {
        "httpMethod": method,
        "path": path,
        "headers": {"content-type": "image/jpeg"} if photo else {},
        "multiValueQueryStringParameters": query,
        "pathParameters": None,
        "stageVariables": None,
        "body": photo,
        "isBase64Encoded": photo is not None,
        "requestContext": {"httpMethod": method, "path": path, "resourcePath": path},
    }
    result, log = invoke(version, event)
    try:
        return json.loads(result["body"]), log
    except (KeyError, TypeError, ValueError):
        raise Refused(f"the response to {method} {path} is not JSON: {str(result)[:300]}") from None
