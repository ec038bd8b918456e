"""Add to a template what a release needs: versions, the alias, the shift of traffic, and the gate.

SAM publishes a version of each function whenever anything in it changes, and moves the alias `live` to it: at once, or
for the API as CodeDeploy shifts traffic. All callers call a function's alias, and never `$LATEST`.
"""

import base64
import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from chalicelib.config.settings import ROOT
from chalicelib.model.session import version_of
from dashboards.template import logical_id
from infra.release import ALIAS, COMMIT, MODEL, commit
from infra.template import INFRA, RELEASE, read_template

WATCHED = ("burn-fast-short", "lambda-errors")
"""Alarms that take a release back while its traffic shifts. They cover 5 minutes, so little from before counts.

While one is on, CodeDeploy refuses every release. So AllAtOnce is without them: it is the way of a correction.
"""

INVOCATIONS = (
    "arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions"
    f"/${{APIHandlerAlias{ALIAS}}}/invocations"
)
"""The address at which API Gateway calls the API's function: that of the function's alias."""


def published(function: Mapping[str, Any], *, is_api: bool) -> dict[str, Any]:
    """Return a function of Chalice's template, with an alias for its latest version added. `function`: its properties.

    The API's function waits for the alias of `admin`, because the gate calls it to update the schema with this
    release's code before a version that may need that gets traffic.
    """
    properties = {
        **function,
        "Environment": {"Variables": {**function["Environment"]["Variables"], **stamp()}},
        "AutoPublishAlias": ALIAS,
        "AutoPublishAliasAllProperties": True,  # layer and environment make a new version too, not the code alone
    }
    if not is_api:
        return {"Properties": properties}
    shift = {
        "Type": {"Ref": "Traffic"},
        "Role": {"Fn::GetAtt": ["TrafficRole", "Arn"]},
        "Hooks": {"PreTraffic": {"Ref": "Gate"}},
        "Alarms": {"Fn::If": ["ShiftsTraffic", [{"Ref": logical_id("alarm", name)} for name in WATCHED], []]},
    }
    api = {**properties, "SnapStart": {"ApplyOn": {"Ref": "SnapStart"}}, "DeploymentPreference": shift}
    return {"DependsOn": f"AdminAlias{ALIAS}", "Properties": api}


@cache
def stamp() -> dict[str, str]:
    """Return the environment variables that hold the commit and the model, so that each release makes new versions."""
    return {COMMIT: commit(), MODEL: version_of(ROOT / "vendor" / "model" / "faunalens.onnx")}


def gate() -> dict[str, Any]:
    """Return the resources of infra/release.yaml, with the gate's code, which includes the photo and the verdict."""
    resources: dict[str, Any] = read_template(RELEASE)["Resources"]
    code = (INFRA / "release" / "gate.py").read_text(encoding="utf-8")
    photo = base64.b64encode((INFRA / "release" / "cat.jpg").read_bytes()).decode()
    verdict = ROOT / "model" / "verdict.json"
    kept = json.loads(verdict.read_text(encoding="utf-8")) if verdict.is_file() else {}
    code = code.replace("VERDICT: Mapping[str, Any] = {}", f"VERDICT: Mapping[str, Any] = {kept!r}")
    resources["Gate"]["Properties"]["Code"]["ZipFile"] = code.replace('PHOTO = ""', f'PHOTO = "{photo}"')
    return resources
