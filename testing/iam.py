"""Decide as IAM does whether policies allow an action, for the policies of this project.

moto ignores conditions whose keys a request lacks, and AWS's own simulator needs an account. This supports what the
policies here use, and raises an error for anything else:
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

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
        raise AssertionError(f"{unknown} of a statement is not supported; add it to testing/iam.py")
    return (
        any(_like(each, action, re.IGNORECASE) for each in _listed(statement["Action"]))
        and any(_like(each, resource) for each in _listed(statement["Resource"]))
        and all(_holds(operator, keys, context) for operator, keys in statement.get("Condition", {}).items())
    )


def _holds(operator: str, keys: Mapping[str, Any], context: Mapping[str, str]) -> bool:
    """Return whether a condition holds. A key that the request lacks matches no value."""
    match operator:
        case "StringEquals":
            return all(context.get(key) in _listed(values) for key, values in keys.items())
        case "StringLike" | "ArnLike":
            return all(
                key in context and any(_like(each, context[key]) for each in _listed(values))
                for key, values in keys.items()
            )
    raise AssertionError(f"the condition {operator} is not supported; add it to testing/iam.py")


def _listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def _like(pattern: str, text: str, flags: int = 0) -> bool:
    """Match a text with a pattern in which `*` is any text and `?` any character."""
    regex = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(regex, text, flags | re.DOTALL) is not None
