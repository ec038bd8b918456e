"""Zones with all services, quotas, and the roles of AWS's services, before anything is made."""

from typing import Any

import pytest

from infra.account import NARROW_ZONES, SERVICES, check_quotas, choose_zones, create_service_roles
from infra.stage import Stage
from infra.step import PreconditionFailed
from infra.template import parameters_of
from tests.unit.infra.fake_aws import Client, Session, error

IMAGE = f"123456789012.dkr.ecr.us-east-1.amazonaws.com/web@sha256:{'a' * 64}"
ZONES = {"us-east-1a": "use1-az6", "us-east-1b": "use1-az3", "us-east-1c": "use1-az1", "us-east-1d": "use1-az2"}
"""Zones of an account, whose second letter is a zone that lacks services."""


def stage(offered: str = "abcd", *, vpcs: int = 1, quota: float = 5, plan: str = "PAID", up: bool = False) -> Stage:
    option = {"AvailabilityZones": [{"Name": f"us-east-1{letter}"} for letter in offered]}
    zones = [{"ZoneName": name, "ZoneId": each} for name, each in ZONES.items()]
    known = [{"ParameterKey": name, "ParameterValue": f"use1-az{name[-1]}"} for name in ("ZoneA", "ZoneB")]

    def stacks(**_: str) -> dict[str, Any]:
        if not up:
            raise error("ValidationError", "Stack faunalens-dev does not exist")
        return {"Stacks": [{"StackStatus": "CREATE_COMPLETE", "Parameters": known}]}

    clients = Session(
        rds=Client(
            describe_orderable_db_instance_options=lambda **_: {"OrderableDBInstanceOptions": [option] * bool(offered)}
        ),
        ec2=Client(
            describe_availability_zones=lambda **_: {"AvailabilityZones": zones},
            describe_vpcs=lambda **_: {"Vpcs": [{}] * vpcs},
        ),
        cloudformation=Client(describe_stacks=stacks),
        service_quotas=Client(get_service_quota=lambda **_: {"Quota": {"Value": quota}}),
        freetier=Client(get_account_plan_state=lambda **_: {"accountPlanType": plan}),
    )
    return Stage("dev", "us-east-1", clients, {})


def test_zones_are_two_that_have_all_services_whatever_their_letters() -> None:
    assert "use1-az3" in NARROW_ZONES
    assert choose_zones(stage(), "17.9", []) == ("use1-az1", "use1-az2")
    # AND only where the database's version is
    assert choose_zones(stage("ad"), "17.9", []) == ("use1-az2", "use1-az6")
    # AND a choice counts if it fits
    assert choose_zones(stage(), "17.9", ["use1-az6"]) == ("use1-az6", "use1-az1")


def test_a_stage_that_is_up_keeps_its_zones() -> None:
    assert choose_zones(stage(up=True), "17.9", []) == ("use1-azA", "use1-azB")


@pytest.mark.parametrize(
    ("offered", "chosen", "message"),
    [
        ("", [], r"us-east-1 has no Aurora PostgreSQL 17\.9; choose a version"),
        ("ab", [], "us-east-1 has 1 zones with Aurora and ElastiCache Serverless, not two"),
        (
            "abcd",
            ["use1-az3"],
            "zone use1-az3 lacks Aurora or ElastiCache Serverless; choose two of use1-az1",
        ),
    ],
)
def test_what_would_fail_halfway_is_said_before(offered: str, chosen: list[str], message: str) -> None:
    with pytest.raises(PreconditionFailed, match=message):
        choose_zones(stage(offered), "17.9", chosen)


def quotas(found: Stage, **parameters: str) -> list[str]:
    said: list[str] = []
    check_quotas(found, parameters_of("dev", parameters), said.append)
    return said


def test_quotas_of_networks_and_tasks_are_compared_with_what_the_stage_needs() -> None:
    assert quotas(stage()) == ["networks (VPCs): 1 of 5, 1 needed"]
    assert quotas(stage(up=True)) == ["networks (VPCs): 1 of 5, 0 needed"]
    assert quotas(stage(), WebImage=IMAGE)[1] == "virtual cores of Fargate: 0 of 5, 2 needed"
    with pytest.raises(PreconditionFailed, match=r"may have 5 networks \(VPCs\) in us-east-1 and has 5, but the stage"):
        quotas(stage(vpcs=5))
    with pytest.raises(PreconditionFailed, match=r"may have 1 .*; ask Service Quotas for more \(vpc, L-F678F1CE\)"):
        quotas(stage(quota=1), WebImage=IMAGE)


def test_an_account_on_the_free_plan_is_warned() -> None:
    assert quotas(stage(plan="FREE"))[-1].startswith("warning: the account is on AWS's free plan")


def test_roles_of_services_are_created_once() -> None:
    # GIVEN an account that has one of them
    taken = error("InvalidInput", "Service role name AWSServiceRoleForRDS has been taken in this account")

    def create(AWSServiceName: str) -> None:  # noqa: N803
        if AWSServiceName == "rds.amazonaws.com":
            raise taken

    said: list[str] = []
    create_service_roles(Client(create_service_linked_role=create), said.append)
    # THEN the others are created, and another refusal is an error
    assert len(said) == len(SERVICES) - 1
    refusing = Client(create_service_linked_role=lambda **_: (_ for _ in ()).throw(error("AccessDenied", "no right")()))
    with pytest.raises(Exception, match="no right"):
        create_service_roles(refusing, said.append)
