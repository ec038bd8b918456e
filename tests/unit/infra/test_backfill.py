"""The template of the backfill: rights for one function and two folders, batches for the function, and retries."""

import json
import re
from typing import Any

import pytest

from chalicelib.config.settings import ROOT
from infra.template import BACKFILL, read_template
from tests.support.aws import ACCOUNT, BUCKET, REGION, definition
from tests.support.cloudformation import in_account, is_allowed, listed, resources

GIVEN = {"Stage": "dev", "BackfillConcurrency": "40", "BackfillWebhook": "https://example.org/hook"}
FOUND = resources(BACKFILL, GIVEN)
REFERENCES = {
    "Delivery": f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:faunalens-dev-backfill-webhook",
    "Webhook.Arn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:faunalens-dev-backfill-webhook",
    "Secret": f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:faunalens-dev-backfill-webhook-a1B2c3",
}
MACHINE = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:faunalens-dev-backfill"
RUN = f"arn:aws:s3:::{BUCKET}/batches/runs/creek-1/creek-1-2026/"


def rights(role: str) -> list[Any]:
    (policy,) = FOUND[role]["Properties"]["Policies"]
    return list(in_account(policy["PolicyDocument"]["Statement"], ACCOUNT, REGION, REFERENCES))


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("s3:GetObject", f"{RUN}manifest.jsonl"),
        ("s3:PutObject", f"{RUN}batches/1/manifest.json"),
        ("lambda:InvokeFunction", f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:faunalens-dev-batch:live"),
        ("states:StartExecution", MACHINE),
        ("states:RedriveExecution", f"{MACHINE.replace('stateMachine', 'execution')}/Photos:1"),
    ],
)
def test_a_backfill_may_do_what_it_does(action: str, resource: str) -> None:
    assert is_allowed(rights("Role"), action, resource)
    # AND not on another stage
    assert not is_allowed(rights("Role"), action, resource.replace("faunalens-dev", "faunalens-prod"))


def test_a_backfill_may_do_nothing_else() -> None:
    others = {
        "s3:GetObject": [f"arn:aws:s3:::{BUCKET}/batches/creek/a.jpg", f"arn:aws:s3:::{BUCKET}/inbox/a.jpg"],
        "s3:PutObject": [f"{RUN}manifest.jsonl", f"arn:aws:s3:::{BUCKET}/results/creek-1/aa/a.json"],
        "s3:ListBucket": [f"arn:aws:s3:::{BUCKET}"],
        "lambda:InvokeFunction": [f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:faunalens-dev-admin"],
        "states:StartExecution": [f"{MACHINE}-webhook"],
    }
    allowed = [
        (action, each) for action, some in others.items() for each in some if is_allowed(rights("Role"), action, each)
    ]
    assert allowed == []


def test_the_webhook_knows_its_secret_and_nothing_else() -> None:
    assert is_allowed(rights("WebhookRole"), "secretsmanager:GetSecretValue", REFERENCES["Secret"])
    allowed = {action for each in rights("WebhookRole") for action in listed(each["Action"])}
    assert allowed == {"secretsmanager:GetSecretValue", "logs:CreateLogStream", "logs:PutLogEvents"}
    for role, only in {"EndedRole": "states:StartExecution", "DeliveryRole": "lambda:InvokeFunction"}.items():
        assert [listed(each["Action"]) for each in rights(role)] == [[only]]


def test_a_failure_can_be_redriven() -> None:
    # GIVEN what AWS redrives: Standard executions, and states whose failure was not caught
    photos = definition()["States"]["Photos"]
    assert FOUND["Backfill"]["Properties"]["StateMachineType"] == "STANDARD"
    assert photos["ItemProcessor"]["ProcessorConfig"]["ExecutionType"] == "STANDARD"
    assert "Catch" not in json.dumps(definition(), allow_nan=False)


def test_calls_that_fail_are_tried_again_for_as_long_as_is_documented() -> None:
    # GIVEN a spike of an hour, in which Lambda throttles batches THEN a batch waits for longer than that
    throttled, failed = definition()["States"]["Photos"]["ItemProcessor"]["States"]["Batch"]["Retry"]
    assert (throttled["ErrorEquals"], failed["ErrorEquals"]) == (["Lambda.TooManyRequestsException"], ["States.ALL"])
    assert throttled["MaxAttempts"] * throttled["MaxDelaySeconds"] >= 3000
    assert {each["JitterStrategy"] for each in (throttled, failed)} == {"FULL"}
    # AND a webhook is tried for about a day, unless its receiver is gone
    text = in_account(FOUND["Delivery"]["Properties"]["DefinitionString"], ACCOUNT, REGION, REFERENCES)
    gone, others = json.loads(text)["States"]["Deliver"]["Retry"]
    assert gone == {"ErrorEquals": ["Gone"], "MaxAttempts": 0}
    growing = (others["IntervalSeconds"] * others["BackoffRate"] ** each for each in range(others["MaxAttempts"]))
    assert 18 <= sum(min(each, others["MaxDelaySeconds"]) for each in growing) / 3600 <= 36


def test_the_template_is_sent_with_the_code_of_the_webhook() -> None:
    code = (ROOT / "infra" / "webhook.py").read_text(encoding="utf-8")
    assert read_template(BACKFILL)["Resources"]["Webhook"]["Properties"]["Code"] == {"ZipFile": code}
    # AND the code needs nothing but Python and boto3
    assert not re.search(r"^\s*(from|import) (chalicelib|cli|infra|standardwebhooks)", code, re.MULTILINE)
