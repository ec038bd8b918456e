"""What an AWS account has, and what a young one lacks: zones, quotas, and the roles of AWS's own services."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from infra.stage import Stage
from infra.step import Echo, PreconditionFailed
from infra.template.web import task_size

NARROW_ZONES = frozenset(
    ("apne1-az3", "apne2-az1", "apne2-az2", "apne2-az4", "cac1-az3", "euw1-az4", "ilc1-az2", "use1-az3", "usw1-az2")
)
"""Zones, by the id that is the same in all accounts, that lack ElastiCache Serverless, VPC origins or other networks
between accounts. No operation of AWS lists them."""

SERVICES = ("ecs", "elasticache", "elasticloadbalancing", "rds")
"""Services that need a role in the account before the first of their resources, and fail at once without it."""


def choose_zones(stage: Stage, version: str, chosen: Sequence[str]) -> tuple[str, str]:
    """Return the ids of the two zones for a stage. `version`: of Aurora. `chosen`: by parameters; may be empty.

    A stage that is up keeps its zones, since others would replace its network. Raise `PreconditionFailed` if there are
    not two zones with all services.
    """
    known = stage.stack().parameters
    if "ZoneA" in known:
        return known["ZoneA"], known["ZoneB"]
    pages = (
        stage.client("rds")
        .get_paginator("describe_orderable_db_instance_options")
        .paginate(Engine="aurora-postgresql", EngineVersion=version, DBInstanceClass="db.serverless")
    )
    options = [each for page in pages for each in page["OrderableDBInstanceOptions"]]
    offered = {zone["Name"] for each in options for zone in each["AvailabilityZones"]}
    if not offered:
        raise PreconditionFailed(
            f"{stage.region} has no Aurora PostgreSQL {version}; choose a version that it has with --set "
            "DatabaseVersion=… (aws rds describe-db-engine-versions --engine aurora-postgresql)"
        )
    filters = [{"Name": "zone-type", "Values": ["availability-zone"]}, {"Name": "state", "Values": ["available"]}]
    zones = stage.client("ec2").describe_availability_zones(Filters=filters)["AvailabilityZones"]
    fit = sorted({each["ZoneId"] for each in zones if each["ZoneName"] in offered} - NARROW_ZONES)
    if wrong := [each for each in chosen if each not in fit]:
        raise PreconditionFailed(
            f"zone {', '.join(wrong)} lacks Aurora or ElastiCache Serverless; choose two of {', '.join(fit)}"
        )
    if len(fit) < 2:
        raise PreconditionFailed(f"{stage.region} has {len(fit)} zones with Aurora and ElastiCache Serverless, not two")
    found = list(dict.fromkeys([*chosen, *fit]))
    return found[0], found[1]


class Quota(NamedTuple):
    """A quota of the account in one region. `service`, `code`: its names in Service Quotas. `needed`: in addition."""

    name: str
    service: str
    code: str
    used: float
    needed: float


def check_quotas(stage: Stage, parameters: Mapping[str, str], echo: Echo) -> None:
    """Print what the account lacks. Raise `PreconditionFailed` if a stage would fail at a quota."""
    parts = ("", "web") if parameters["WebImage"] else ("",)
    networks = sum(stage.stack(part).status is None for part in parts)
    quotas = [Quota("networks (VPCs)", "vpc", "L-F678F1CE", len(stage.client("ec2").describe_vpcs()["Vpcs"]), networks)]
    if parameters["WebImage"]:  # a deployment runs twice the tasks for a while
        cores = 2 * int(parameters["WebMostTasks"]) * task_size().vcpu
        quotas.append(Quota("virtual cores of Fargate", "fargate", "L-3032A538", 0, cores))
    for each in quotas:
        try:
            found = stage.client("service-quotas").get_service_quota(ServiceCode=each.service, QuotaCode=each.code)
        except (ClientError, BotoCoreError) as error:
            echo(f"quota of {each.name}: could not be read ({error})")
            continue
        most = float(found["Quota"]["Value"])
        if each.used + each.needed > most:
            raise PreconditionFailed(
                f"the account may have {most:g} {each.name} in {stage.region} and has {each.used:g}, but the stage "
                f"needs {each.needed:g}; ask Service Quotas for more ({each.service}, {each.code})"
            )
        echo(f"{each.name}: {each.used:g} of {most:g}, {each.needed:g} needed")
    try:
        plan = stage.session.client("freetier", region_name="us-east-1").get_account_plan_state()["accountPlanType"]
    except (ClientError, BotoCoreError, KeyError):
        return  # not in every partition, and no reason to stop
    if plan == "FREE":
        echo("warning: the account is on AWS's free plan, which lacks services and closes it when credits end; upgrade")


def create_service_roles(iam: Any, echo: Echo) -> None:
    """Create the service-linked roles that are missing. `iam`: a boto3 client."""
    for service in SERVICES:
        try:
            iam.create_service_linked_role(AWSServiceName=f"{service}.amazonaws.com")
        except ClientError as error:
            message = error.response["Error"]["Message"]
            if "taken" not in message and "exists" not in message:
                raise
            continue
        echo(f"created the service-linked role of {service}")
