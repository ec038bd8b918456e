"""The stack of the backfill comes up and goes down, against an account simulated by moto."""

import json

import pytest

from infra import down
from infra.up import Up
from tests.integration.infra.conftest import run, stage_with
from tests.support.aws import CONCURRENCY, Account, definition

GIVEN = {"BackfillConcurrency": CONCURRENCY, "BackfillWebhook": "https://example.org/hook"}


@pytest.mark.filterwarnings("ignore:Tried to parse")  # moto's CloudFormation lacks it
def test_a_backfill_comes_up_and_goes_down(aws: Account) -> None:
    # WHEN the step is run
    stage = stage_with(**GIVEN)
    said = run(Up(stage).steps(), "backfill")
    # THEN the state machine is there as the template says, and so is the webhook
    states = aws.client("stepfunctions")
    machines = {each["name"]: each["stateMachineArn"] for each in states.list_state_machines()["stateMachines"]}
    assert machines.keys() == {"faunalens-dev-backfill", "faunalens-dev-backfill-webhook"}
    found = states.describe_state_machine(stateMachineArn=machines["faunalens-dev-backfill"])
    assert json.loads(found["definition"]) == definition()
    function = aws.client("lambda").get_function_configuration(FunctionName="faunalens-dev-backfill-webhook")
    assert function["Environment"]["Variables"]["URL"] == GIVEN["BackfillWebhook"]
    (rule,) = aws.client("events").list_rules()["Rules"]
    assert json.loads(rule["EventPattern"])["detail"]["stateMachineArn"] == [machines["faunalens-dev-backfill"]]
    assert said[-1].startswith(f"batches at a time: {CONCURRENCY}; secret of the webhook: ")
    # AND it goes down, twice
    for _ in range(2):
        run(down.steps(stage), "backfill")
    assert states.list_state_machines()["stateMachines"] == []
