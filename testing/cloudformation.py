"""CloudFormation templates as tests read them: plain values, with a stage's parameters put in."""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from cfnlint.decode.cfn_yaml import load

from chalicelib.config.settings import ROOT

INFRA = ROOT / "infra"
STAGES = ("dev", "prod")

_NOWHERE = object()
"""What `AWS::NoValue` leaves."""


@cache
def template(name: str) -> Any:
    """A template of infra/ as it is written, with functions in their long form (`Fn::Sub`)."""
    return json.loads(json.dumps(load(str(INFRA / name))))


def parameters(stage: str) -> dict[str, str]:
    """What a stage deploys infra/faunalens.yaml with."""
    given: dict[str, str] = json.loads((INFRA / "stages" / f"{stage}.json").read_text(encoding="utf-8"))["Parameters"]
    return given


def resources(name: str, given: Mapping[str, str]) -> dict[str, Any]:
    """Resources as they are for these parameters: conditions and references to parameters are decided.

    References to what AWS alone knows stay as they are.
    """
    whole = template(name)
    values = {each: str(declared.get("Default", "")) for each, declared in whole["Parameters"].items()} | dict(given)
    conditions: dict[str, bool] = {}
    for each, condition in whole.get("Conditions", {}).items():
        conditions[each] = _holds(condition, values, conditions)
    return {
        each: _decided(resource, values, conditions)
        for each, resource in whole["Resources"].items()
        if conditions.get(resource.get("Condition"), True)
    }


def _holds(condition: Any, values: Mapping[str, str], known: Mapping[str, bool]) -> bool:
    match condition:
        case {"Fn::Not": [inner]}:
            return not _holds(inner, values, known)
        case {"Fn::Equals": [left, right]}:
            return str(_decided(left, values, known)) == str(_decided(right, values, known))
    raise AssertionError(f"a condition that this reader does not know: {condition}")


def _decided(value: Any, values: Mapping[str, str], conditions: Mapping[str, bool]) -> Any:
    match value:
        case {"Ref": "AWS::NoValue"}:
            return _NOWHERE
        case {"Ref": str(name)} if name in values:
            return values[name]
        case {"Fn::If": [name, then, other]}:
            return _decided(then if conditions[name] else other, values, conditions)
        case {"Fn::Sub": str(text)}:
            for name, known in values.items():
                text = text.replace(f"${{{name}}}", known)
            return text if "${" not in text else {"Fn::Sub": text}
        case dict():
            pairs = ((each, _decided(inner, values, conditions)) for each, inner in value.items())
            return {each: inner for each, inner in pairs if inner is not _NOWHERE}
        case list():
            return [inner for each in value if (inner := _decided(each, values, conditions)) is not _NOWHERE]
    return value
