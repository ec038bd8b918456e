"""A deployment is refused before it begins if the account, the region or the stage's parameters lack something."""

from collections.abc import Mapping
from typing import Any
from unittest.mock import Mock

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from infra import preconditions
from infra.preconditions import CERTIFICATES, SERVICES, certificates_of, choose_zones, fingerprints
from infra.stage import Stage
from infra.step import PreconditionFailed
from infra.template import parameters_of
from tests.support.cloudformation import IMAGE
from tests.unit.infra.fake_aws import Client, ResourceNotFoundException, Session, error

WANTED = {"faunalens-dev": 10, "faunalens-dev-warm": 1, "faunalens-dev-admin": 1}


def account(whole: int, free: int, reserved: Mapping[str, int]) -> Client:
    """Return a fake client of an account with a limit of `whole`, of which `free` is unreserved."""

    def reservation(FunctionName: str) -> dict[str, Any]:  # noqa: N803
        if FunctionName not in reserved:
            raise ResourceNotFoundException
        return {"ReservedConcurrentExecutions": reserved[FunctionName]} if reserved[FunctionName] else {}

    limit = {"ConcurrentExecutions": whole, "UnreservedConcurrentExecutions": free}
    return Client(get_account_settings=lambda: {"AccountLimit": limit}, get_function_concurrency=reservation)


def test_reservations_that_lambda_accepts_and_those_that_it_would_refuse() -> None:
    def left(whole: int, free: int, reserved: Mapping[str, int], wanted: Mapping[str, int] = WANTED) -> int:
        return preconditions.check_concurrency(account(whole, free, reserved), wanted)

    assert left(1000, 112, {}) == 100
    # the functions have them already, or one of them
    assert left(1000, 100, WANTED) == left(1000, 111, {"faunalens-dev-warm": 1, "faunalens-dev-admin": 0}) == 100
    assert left(10, 10, {}, {}) == 10, "a small account does without reservations"
    # AND a new account, or one whose other functions reserve the rest, is refused
    for whole, free, rest in ((10, 10, 0), (1000, 111, 11)):
        message = rf"of 12, but the account, whose limit is {whole}, can reserve only {rest}; .*Quotas.*reserved_conc"
        with pytest.raises(PreconditionFailed, match=message):
            left(whole, free, {})


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

    options = {"OrderableDBInstanceOptions": [option] * bool(offered)}
    clients = Session(
        rds=Client(describe_orderable_db_instance_options=lambda **_: options),
        ec2=Client(
            describe_availability_zones=lambda **_: {"AvailabilityZones": zones},
            describe_vpcs=lambda **_: {"Vpcs": [{}] * vpcs},
        ),
        cloudformation=Client(describe_stacks=stacks),
        service_quotas=Client(get_service_quota=lambda **_: {"Quota": {"Value": quota}}),
        freetier=Client(get_account_plan_state=lambda **_: {"accountPlanType": plan}),
    )
    return Stage("dev", "us-east-1", clients, {})


@pytest.mark.parametrize(
    ("found", "chosen", "zones"),
    [
        (stage(), [], ("use1-az1", "use1-az2")),  # those with all services, whatever their letters
        (stage("ad"), [], ("use1-az2", "use1-az6")),  # and where the database's version is
        (stage(), ["use1-az6"], ("use1-az6", "use1-az1")),  # a choice counts if it fits
        (stage(up=True), [], ("use1-azA", "use1-azB")),  # a stage that is up keeps its own
        (stage(""), [], "us-east-1 has no Aurora PostgreSQL"),
        (stage("ab"), [], "us-east-1 has 1 zones with Aurora"),
        (stage(), ["use1-az3"], "zone use1-az3 lacks Aurora or ElastiCache Serverless; choose two of use1-az1"),
    ],
)
def test_zones_are_two_that_have_all_services_or_refused(
    found: Stage, chosen: list[str], zones: tuple[str, str] | str
) -> None:
    if isinstance(zones, str):
        with pytest.raises(PreconditionFailed, match=zones):
            choose_zones(found, "17.9", chosen)
    else:
        assert choose_zones(found, "17.9", chosen) == zones


def quotas(found: Stage, **parameters: str) -> list[str]:
    said: list[str] = []
    preconditions.check_quotas(found, parameters_of("dev", parameters), said.append)
    return said


def test_quotas_of_networks_and_tasks_are_compared_with_what_the_stage_needs() -> None:
    assert quotas(stage()) == ["networks (VPCs): 1 of 5, 1 needed"]
    assert quotas(stage(up=True)) == ["networks (VPCs): 1 of 5, 0 needed"]
    assert quotas(stage(), WebImage=IMAGE)[1] == "virtual cores of Fargate: 0 of 5, 2 needed"
    assert quotas(stage(plan="FREE"))[-1].startswith("warning: the account is on AWS's free plan")
    with pytest.raises(PreconditionFailed, match=r"may have 5 networks \(VPCs\) in us-east-1 and has 5, but the stage"):
        quotas(stage(vpcs=5))
    with pytest.raises(PreconditionFailed, match=r"may have 1 .*; ask Service Quotas for more \(vpc, L-F678F1CE\)"):
        quotas(stage(quota=1), WebImage=IMAGE)


def test_roles_of_services_are_created_once() -> None:
    # GIVEN an account that has one of them
    taken = error("InvalidInput", "Service role name AWSServiceRoleForRDS has been taken in this account")
    create, said = Mock(side_effect=[None, None, taken(), None]), list[str]()
    preconditions.create_service_roles(Client(create_service_linked_role=create), said.append)
    # THEN the others are created, and another refusal is an error
    assert len(said) == len(SERVICES) - 1
    refusing = Client(create_service_linked_role=Mock(side_effect=error("AccessDenied", "no right")()))
    with pytest.raises(Exception, match="no right"):
        preconditions.create_service_roles(refusing, said.append)


@pytest.mark.parametrize("region", sorted(path.stem for path in CERTIFICATES.glob("*.pem")))
def test_a_region_has_its_three_roots_and_nothing_else(region: str) -> None:
    # GIVEN the certificates that functions in a region trust
    roots = x509.load_pem_x509_certificates(certificates_of(region).read_bytes())
    names = {each.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)[0].value for each in roots}
    # THEN they are the roots of Amazon RDS in that region, each self-signed and valid for decades
    assert names == {f"Amazon RDS {region} Root CA {kind} G1" for kind in ("RSA2048", "RSA4096", "ECC384")}
    for root in roots:
        root.verify_directly_issued_by(root)
        assert root.not_valid_after_utc.year > 2060
    # AND their fingerprints are what RDS calls thumbprints
    expected = {root.fingerprint(hashes.SHA1()).hex() for root in roots}  # noqa: S303 - RDS uses SHA-1
    assert fingerprints(certificates_of(region).read_text()) == expected


def test_unknown_authorities_of_rds_are_found() -> None:
    known = sorted(fingerprints(certificates_of("eu-west-1").read_text()))
    # The fingerprint of us-east-1's RSA 2048 root, as published with the certificate
    assert "2fa77ef894d983ba9d37ad699c84ab0f657be1c8" in fingerprints(certificates_of("us-east-1").read_text())

    def check(*prints: str) -> None:
        found = [
            {"CertificateIdentifier": f"ca-{each}", "CertificateType": "CA", "Thumbprint": each} for each in prints
        ]
        preconditions.check_certificates(Client(describe_certificates=lambda: {"Certificates": found}), "eu-west-1")

    # WHEN RDS signs with CAs that our file contains THEN nothing is wrong, and otherwise the other one is named
    check(known[0], known[1].upper())
    with pytest.raises(PreconditionFailed, match=r"eu-west-1\.pem lacks ca-0000, which RDS uses; download"):
        check(known[0], "0000")
    with pytest.raises(PreconditionFailed, match=r"xx-new-1\.pem does not exist; download the region's certificate"):
        certificates_of("xx-new-1")


def check_production(*without: str, **parameters: str) -> None:
    preconditions.check_production("prod", parameters_of("prod", parameters), without)


def test_production_needs_somebody_who_hears_alarms_and_a_budget() -> None:
    # GIVEN prod as it is committed WHEN it is brought up THEN both are missing, and the error says what to do
    missing = 'no alarms and no budget: write "AlarmEmail": .* into infra/stages/prod.json, .* --without-budget'
    with pytest.raises(PreconditionFailed, match=missing):
        check_production()
    # AND each can be given, or explicitly left out
    with pytest.raises(PreconditionFailed, match=r"has no budget: write \"BudgetDollars\": \"200\" into"):
        check_production(AlarmEmail="me@example.org")
    check_production(AlarmEmail="me@example.org", BudgetDollars="50")
    check_production("budget", AlarmEmail="me@example.org")
    # AND a website needs a certificate, CloudFront or the explicit consent
    with pytest.raises(PreconditionFailed, match=r'has no tls: write "WebCertificate": .*, with --without-tls'):
        check_production("alarms", "budget", WebImage=IMAGE)
    check_production("alarms", "budget", WebImage=IMAGE, WebCdn="yes")
    check_production("alarms", "budget", WebImage=IMAGE, WebCertificate="arn:aws:acm:x", WebHost="a.example")
    check_production("alarms", "budget", "tls", WebImage=IMAGE)
    # AND a stage whose data are not protected needs none of it
    preconditions.check_production("dev", parameters_of("dev", {"WebImage": IMAGE}))


def test_a_name_of_the_api_needs_its_certificate() -> None:
    for wrong in ({"ApiHost": "api.example"}, {"ApiCertificate": "arn:x"}):
        with pytest.raises(PreconditionFailed, match="ApiHost and ApiCertificate belong together"):
            preconditions.check_host(parameters_of("dev", wrong))
