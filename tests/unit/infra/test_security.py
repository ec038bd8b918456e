"""The templates obey the security rules of our own; `tests.scan` checks those of checkov."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.cloudformation import STAGES, parameters, resources, template
from tests.unit.infra.security_rules import RULES

OPTIONS = {"DatabaseReader": "yes", "AlarmEmail": "a@b.example", "AccessLog": "yes"}
EDGE = {"Stage": "dev", "RestApiId": "abc", "Firewall": "yes", "ApiKeys": "required"}
DEPLOYED = {
    "dev": ("faunalens.yaml", parameters("dev")),
    "prod": ("faunalens.yaml", parameters("prod")),
    "all": ("faunalens.yaml", {"Stage": "all", **OPTIONS}),
    "edge": ("edge.yaml", EDGE),
    "packages": ("packages.yaml", {"Stage": "dev"}),
    "web": ("web.yaml", {"Stage": "dev", "Firewall": "yes"}),
    "release": ("release.yaml", {"Stage": "dev"}),
    "backfill": ("backfill.yaml", {"Stage": "dev", "BackfillWebhook": "https://a.example/hook"}),
    "athena": ("athena.yaml", {}),
}
"""Templates with parameters; `all` has every optional resource."""

OPEN_TO_ALL = {"AWS::EC2::InternetGateway", "AWS::EC2::NatGateway", "AWS::EC2::Route", "AWS::SecretsManager::Secret"}


def exemptions(resource: Any) -> dict[str, str]:
    """Return the rules that a resource is exempt from, and why."""
    skip = resource.get("Metadata", {}).get("checkov", {}).get("skip", [])
    return {each["id"]: each["comment"] for each in skip}


def cases() -> Iterator[Any]:
    for deployment, (name, given) in DEPLOYED.items():
        for resource, content in resources(name, given).items():
            for rule, what in RULES.items():
                if what.kind == content["Type"]:
                    yield pytest.param(rule, content, id=f"{deployment}-{resource}-{rule}")


@pytest.mark.parametrize(("rule", "resource"), list(cases()))
def test_a_resource_obeys_a_rule_or_is_exempt(rule: str, resource: Any) -> None:
    assert RULES[rule].holds(resource["Properties"]) is (rule not in exemptions(resource)), RULES[rule].says


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_finds_a_violation(rule: str) -> None:
    # GIVEN a resource of the rule's type WHEN a property is changed for the worse THEN the rule finds it
    kind = RULES[rule].kind
    everything = [each for name, given in DEPLOYED.values() for each in resources(name, given).values()]
    found = [each["Properties"] for each in everything if each["Type"] == kind]
    assert found, f"no template has a {kind}"
    broken = {name: value for name, value in {**found[0], **RULES[rule].broken}.items() if value is not None}
    assert not RULES[rule].holds(broken)


@pytest.mark.parametrize("name", sorted({name for name, _ in DEPLOYED.values()}))
def test_every_exemption_has_a_rule_and_a_reason(name: str) -> None:
    for resource in template(name)["Resources"].values():
        for rule, comment in exemptions(resource).items():
            assert rule in RULES or rule.startswith("CKV_")
            assert len(comment) > 40


# `web` is a network of its own, for a website; the secret of `backfill` is for receivers of its webhook.
@pytest.mark.parametrize("deployment", sorted(DEPLOYED.keys() - {"web", "backfill"}))
def test_there_is_no_route_to_the_internet_and_no_secret(deployment: str) -> None:
    name, given = DEPLOYED[deployment]
    assert not {each["Type"] for each in resources(name, given).values()} & OPEN_TO_ALL


def test_only_functions_reach_the_stores() -> None:
    groups = resources("faunalens.yaml", parameters("prod"))
    for store, ports in {"Database": (5432, 5432), "Cache": (6379, 6380)}.items():
        (rule,) = groups[f"{store}SecurityGroup"]["Properties"]["SecurityGroupIngress"]
        egress = groups[f"FunctionTo{store}"]["Properties"]
        assert rule["SourceSecurityGroupId"] == {"Ref": "FunctionSecurityGroup"}
        assert egress["DestinationSecurityGroupId"] == {"Ref": f"{store}SecurityGroup"}
        assert (rule["FromPort"], rule["ToPort"]) == (egress["FromPort"], egress["ToPort"]) == ports
    # AND functions reach S3 alone where its addresses are known
    given = {**parameters("prod"), "S3PrefixList": "pl-63a5400a"}
    (rule,) = resources("faunalens.yaml", given)["FunctionSecurityGroup"]["Properties"]["SecurityGroupEgress"]
    assert (rule["DestinationPrefixListId"], "CidrIp" in rule) == ("pl-63a5400a", False)


def test_data_survives_a_mistake() -> None:
    for stage in STAGES:
        database = resources("faunalens.yaml", parameters(stage))["Database"]
        assert (database["DeletionPolicy"], database["UpdateReplacePolicy"]) == ("Snapshot", "Snapshot")
    prod = resources("faunalens.yaml", parameters("prod"))["Database"]["Properties"]
    assert prod["DeletionProtection"] == "true"
    assert int(prod["BackupRetentionPeriod"]) >= 7
