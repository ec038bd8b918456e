"""CloudFormation templates as plain values with the parameters of a stage, and what policies allow.

moto ignores conditions whose keys a request lacks, and AWS's own simulator needs an account. `is_allowed` supports what
the policies here use, and raises an error for anything else:
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

import json
import re
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from functools import cache
from typing import Any

from cfnlint.decode.cfn_yaml import load

from chalicelib.config.settings import ROOT
from infra.template.web import web_template

INFRA = ROOT / "infra"
STAGES = ("dev", "prod")
IMAGE = f"123456789012.dkr.ecr.eu-west-1.amazonaws.com/web@sha256:{'a' * 64}"
"""An image of the web tier."""

_REMOVED = object()
"""Marks a value that is `AWS::NoValue` and must be removed."""


@cache
def template(name: str) -> Any:
    """Return a template of infra/ without evaluating its functions. All functions have the long form (`Fn::Sub`).

    `web.yaml` comes with its firewall, dashboard and alarms, as `infra up` deploys it.
    """
    return web_template("dev") if name == "web.yaml" else json.loads(json.dumps(load(str(INFRA / name))))


def parameters(stage: str) -> dict[str, str]:
    """Return the parameters of infra/faunalens.yaml for a stage."""
    given: dict[str, str] = json.loads((INFRA / "stages" / f"{stage}.json").read_text(encoding="utf-8"))["Parameters"]
    return given


def resources(name: str, given: Mapping[str, str]) -> dict[str, Any]:
    """Return a template's resources, with conditions and references to parameters evaluated for the `given` values.

    References to values that only AWS knows are unchanged.
    """
    whole = template(name)
    defaults = {each: str(declared.get("Default", "")) for each, declared in whole["Parameters"].items()}
    values = {"AWS::NoValue": _REMOVED, **defaults, **given}
    conditions: dict[str, bool] = {}
    for each, condition in whole.get("Conditions", {}).items():
        conditions[each] = _holds(condition, values, conditions)
    return {
        each: _evaluate(resource, values, conditions)
        for each, resource in whole["Resources"].items()
        if conditions.get(resource.get("Condition"), True)
    }


def in_account(value: Any, account: str, region: str, references: Mapping[str, str]) -> Any:
    """Return a value with the account and region in it, and with `references` for other resources.

    Their keys are names, or names with an attribute: `Role.Arn`. Raise `ValueError` if a reference is missing.
    """
    known = {"AWS::Partition": "aws", "AWS::AccountId": account, "AWS::Region": region, **references}
    found = _evaluate(value, known, {})
    if unknown := re.search(r"'(?:Ref|Fn::\w+)': .*", str(found)):
        raise ValueError(f"{unknown[0]} refers to something unknown")
    return found


def _holds(condition: Any, values: Mapping[str, Any], known: Mapping[str, bool]) -> bool:
    match condition:
        case {"Fn::Not": [inner]}:
            return not _holds(inner, values, known)
        case {"Fn::Equals": [left, right]}:
            return str(_evaluate(left, values, known)) == str(_evaluate(right, values, known))
        case {"Fn::Or": list(some)}:
            return any(_holds(each, values, known) for each in some)
        case {"Condition": str(name)}:
            return known[name]
    raise AssertionError(f"the condition {condition} is not supported; add it to tests/support/cloudformation.py")


def _evaluate(value: Any, values: Mapping[str, Any], conditions: Mapping[str, bool]) -> Any:
    """Return a value with its references and functions computed. Those that need other values are unchanged."""
    match value:
        case {"Ref": str(name)} if name in values:
            return values[name]
        case {"Fn::GetAtt": [str(name), str(attribute)]} if f"{name}.{attribute}" in values:
            return values[f"{name}.{attribute}"]
        case {"Fn::If": [name, then, other]}:
            return _evaluate(then if conditions[name] else other, values, conditions)
        case {"Fn::Sub": [str(text), dict(parts)]}:
            own = _evaluate(parts, values, conditions)
            is_known = all(isinstance(each, str) for each in own.values())
            return _substituted(text, {**values, **own}) if is_known else {"Fn::Sub": [text, own]}
        case {"Fn::Sub": str(text)}:
            return _substituted(text, values)
        case {"Fn::Select": [index, inner]}:
            some = _evaluate(inner, values, conditions)
            is_known = isinstance(some, list) and int(index) < len(some)
            return some[int(index)] if is_known else {"Fn::Select": [index, some]}
        case {"Fn::Split": [str(separator), inner]} if isinstance(whole := _evaluate(inner, values, conditions), str):
            return whole.split(separator)
        case dict():
            pairs = ((each, _evaluate(inner, values, conditions)) for each, inner in value.items())
            return {each: inner for each, inner in pairs if inner is not _REMOVED}
        case list():
            return [inner for each in value if (inner := _evaluate(each, values, conditions)) is not _REMOVED]
    return value


def _substituted(text: str, values: Mapping[str, Any]) -> Any:
    for name, known in values.items():
        text = text.replace(f"${{{name}}}", str(known))
    return {"Fn::Sub": text} if "${" in text.replace("${!", "") else text.replace("${!", "${")


type Statement = Mapping[str, Any]

_ELEMENTS = {"Sid", "Effect", "Action", "Resource", "Condition"}


def is_allowed(
    statements: Iterable[Statement], action: str, resource: str, context: Mapping[str, str] | None = None
) -> bool:
    """Return whether a request is allowed: a statement allows it, and none denies it.

    `context`: the request's condition keys and their values.
    """
    applying = [each["Effect"] for each in statements if _applies(each, action, resource, context or {})]
    return "Allow" in applying and "Deny" not in applying


def _applies(statement: Statement, action: str, resource: str, context: Mapping[str, str]) -> bool:
    if unknown := statement.keys() - _ELEMENTS:
        raise AssertionError(f"{unknown} of a statement is not supported; add it to tests/support/cloudformation.py")
    return (
        any(fnmatchcase(action.lower(), each.lower()) for each in listed(statement["Action"]))
        and any(fnmatchcase(resource, each) for each in listed(statement["Resource"]))
        and all(_is_met(operator, keys, context) for operator, keys in statement.get("Condition", {}).items())
    )


def _is_met(operator: str, keys: Mapping[str, Any], context: Mapping[str, str]) -> bool:
    """Return whether a condition holds. A key that the request lacks matches no value."""
    match operator:
        case "StringEquals":
            return all(context.get(key) in listed(values) for key, values in keys.items())
        case "StringLike" | "ArnLike":
            return all(
                key in context and any(fnmatchcase(context[key], each) for each in listed(values))
                for key, values in keys.items()
            )
    raise AssertionError(f"the condition {operator} is not supported; add it to tests/support/cloudformation.py")


def listed(value: Any) -> list[str]:
    """Return the actions or resources of a statement, which may be one or several."""
    return [value] if isinstance(value, str) else list(value)
