"""The stack of the backfill comes up and goes down, against an account simulated by moto."""

import json

import pytest

from infra import down
from infra.stage import Stage
from infra.step import Step
from infra.up import Up
from tests.support.aws import CONCURRENCY, REGION, Account, definition

GIVEN = {"BackfillConcurrency": CONCURRENCY, "BackfillWebhook": "https://example.org/hook"}


def stage_with(parameters: dict[str, str]) -> Stage:
    import boto3

    return Stage("dev", REGION, boto3.session.Session(region_name=REGION), parameters)


def run(step: Step) -> list[str]:
    said: list[str] = []
    step.action(said.append)
    return said


def named(steps: list[Step]) -> Step:
    return next(step for step in steps if step.name == "backfill")


@pytest.mark.filterwarnings("ignore:Tried to parse")  # moto's CloudFormation lacks it
def test_a_backfill_comes_up_and_goes_down(aws: Account) -> None:
    # WHEN the step is run
    stage = stage_with(GIVEN)
    said = run(named(Up(stage).steps()))
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
        run(named(down.steps(stage)))
    assert states.list_state_machines()["stateMachines"] == []


def test_without_a_number_of_batches_the_step_does_nothing(aws: Account) -> None:
    assert "skipped" in run(named(Up(stage_with({})).steps()))[-1]
    assert aws.client("stepfunctions").list_state_machines()["stateMachines"] == []
