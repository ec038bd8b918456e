"""Decisions of the policy evaluator, by AWS's rules."""

import pytest

from tests.support.cloudformation import is_allowed

READ = {"Effect": "Allow", "Action": "s3:Get*", "Resource": "arn:aws:s3:::photos/*"}
DENIED = {"Effect": "Deny", "Action": ["s3:*"], "Resource": ["arn:aws:s3:::photos/secret/*"]}


@pytest.mark.parametrize(
    ("action", "resource", "allowed"),
    [
        ("s3:GetObject", "arn:aws:s3:::photos/one", True),
        ("S3:getobject", "arn:aws:s3:::photos/one", True),  # actions ignore case
        ("s3:GetObject", "arn:aws:s3:::Photos/one", False),  # resources do not
        ("s3:PutObject", "arn:aws:s3:::photos/one", False),
        ("s3:GetObject", "arn:aws:s3:::photos", False),
        ("s3:GetObject", "arn:aws:s3:::photos/secret/one", False),
    ],
)
def test_a_denial_wins_over_what_is_allowed(action: str, resource: str, allowed: bool) -> None:
    assert is_allowed([READ, DENIED], action, resource) is allowed
    assert not is_allowed([], action, resource)


@pytest.mark.parametrize("condition", [{"StringEquals": {"k": ["v", "w"]}}, {"StringLike": {"k": "v*"}}])
def test_a_condition_must_hold_and_a_missing_key_does_not(condition: object) -> None:
    statements = [{**READ, "Condition": condition}]
    assert is_allowed(statements, "s3:GetObject", "arn:aws:s3:::photos/one", {"k": "v"})
    for context in ({}, {"k": "x"}, {"other": "v"}):
        assert not is_allowed(statements, "s3:GetObject", "arn:aws:s3:::photos/one", context)


@pytest.mark.parametrize("wrong", [{"NotAction": "s3:*"}, {"Condition": {"Bool": {"aws:SecureTransport": "true"}}}])
def test_what_it_does_not_know_is_an_error(wrong: dict[str, object]) -> None:
    with pytest.raises(AssertionError):
        is_allowed([{**READ, **wrong}], "s3:GetObject", "arn:aws:s3:::photos/one")
