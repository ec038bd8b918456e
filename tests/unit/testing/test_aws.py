"""Moto runs state machines only for the tests that ask for it."""

import json

from testing.aws import ACCOUNT, Account, account, state_machine

MACHINE = {"StartAt": "End", "States": {"End": {"Type": "Succeed"}}}
STACK = {
    "Resources": {
        "Machine": {
            "Type": "AWS::StepFunctions::StateMachine",
            "Properties": {
                "StateMachineName": "of-a-stack",
                "DefinitionString": json.dumps(MACHINE),
                "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/any",
            },
        }
    }
}


def names(aws: Account) -> list[str]:
    return [each["name"] for each in aws.client("stepfunctions").list_state_machines()["stateMachines"]]


def test_an_account_after_those_that_run_state_machines_finds_those_of_its_stacks() -> None:
    # GIVEN an account that runs state machines, and that is gone
    with account() as aws, state_machine(aws, 1):
        assert names(aws) == ["faunalens-dev-backfill"]
    # WHEN a stack of another account has one THEN it is found: moto has two lists, and stacks use only one of them
    with account() as aws:
        aws.client("cloudformation").create_stack(StackName="one", TemplateBody=json.dumps(STACK))
        assert names(aws) == ["of-a-stack"]
