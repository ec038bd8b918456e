"""The stack of the web tier: a firewall like the API's, and alarms that refer to its own load balancer."""

import pytest

from infra.api_stage import method_limits
from infra.functions import function_settings
from infra.step import PreconditionFailed
from infra.template import parameters_of
from infra.template.web import REQUESTS_PER_TASK, WATCHED, check_names, has_tls, web_template
from tests.support.cloudformation import in_account, resources

TEMPLATE = web_template("dev", "https://example.org/runbook")
FOUND = TEMPLATE["Resources"]
FIREWALL = {"Stage": "dev", "Firewall": "yes", "RequestsPerAddress": "600"}


def test_the_firewall_is_that_of_the_api_under_a_name_of_its_own() -> None:
    own, of_api = (resources(name, FIREWALL)["WebAcl"]["Properties"] for name in ("web.yaml", "edge.yaml"))
    assert {**own, "Name": ""} == {**of_api, "Name": ""}
    assert own["Name"] == "faunalens-dev-web"
    # AND it is in front of the load balancer
    assert FOUND["WebAclOfBalancer"]["Properties"]["ResourceArn"] == {"Ref": "Balancer"}


def test_behind_cloudfront_the_firewall_counts_visitors_and_not_cloudfronts_addresses() -> None:
    found = resources("web.yaml", {**FIREWALL, "WebCdn": "yes"})
    counted = found["WebAcl"]["Properties"]["Rules"][0]["Statement"]["RateBasedStatement"]
    (key,) = counted["CustomKeys"]
    assert (counted["AggregateKeyType"], counted["Limit"]) == ("CUSTOM_KEYS", "600")
    # AND the header is the one that CloudFront's function sets, whatever the client sent
    code = found["CdnVisitor"]["Properties"]["FunctionCode"]
    assert f'headers["{key["Header"]["Name"]}"] = {{ value: event.viewer.ip }}' in code
    # AND on every path, or clients could have others counted, and blocked
    config = found["Cdn"]["Properties"]["DistributionConfig"]
    for behavior in (config["DefaultCacheBehavior"], *config["CacheBehaviors"]):
        (called,) = behavior["FunctionAssociations"]
        assert called == {"EventType": "viewer-request", "FunctionARN": {"Fn::GetAtt": ["CdnVisitor", "FunctionARN"]}}


def test_behind_cloudfront_a_missing_or_forged_address_of_a_visitor_gains_nothing() -> None:
    found = resources("web.yaml", {**FIREWALL, "WebCdn": "yes"})
    rules = {each["Name"]: each for each in found["WebAcl"]["Properties"]["Rules"]}
    assert len({each["Priority"] for each in rules.values()}) == len(rules) == 5
    # GIVEN a request without the header THEN it did not come through the distribution, and is blocked
    demanded = rules["without-visitor"]["Statement"]["NotStatement"]["Statement"]["SizeConstraintStatement"]
    assert demanded["FieldToMatch"] == {"SingleHeader": {"Name": "x-visitor"}}
    assert (demanded["ComparisonOperator"], demanded["Size"]) == ("GT", 0)
    # GIVEN another header with each request THEN a second rule counts them by the address from which they come
    counted = rules["too-often-by-address"]["Statement"]["RateBasedStatement"]
    assert (counted["AggregateKeyType"], counted["Limit"]) == ("IP", 8 * REQUESTS_PER_TASK)
    assert all("Block" in rules[name]["Action"] for name in ("without-visitor", "too-often-by-address"))


CDN = {"Cdn.DomainName": "d1.cloudfront.example"}


@pytest.mark.parametrize(
    ("given", "port"),
    [({}, 80), ({"WebCertificate": "arn:x", "WebHost": "a.example", "WebCdnCertificate": "arn:y"}, 443)],
)
def test_behind_cloudfront_its_addresses_alone_reach_the_load_balancer(given: dict[str, str], port: int) -> None:
    found = resources("web.yaml", {"Stage": "dev", "WebCdn": "yes", "WebCdnPrefixList": "pl-1", **given})
    (rule,) = found["BalancerSecurityGroup"]["Properties"]["SecurityGroupIngress"]
    assert (rule["FromPort"], rule["ToPort"], rule["SourcePrefixListId"]) == (port, port, "pl-1")
    assert "CidrIp" not in rule
    # AND it has no address outside of the network, and requests come by the origin inside
    assert found["Balancer"]["Properties"]["Scheme"] == "internal"
    (origin,) = found["Cdn"]["Properties"]["DistributionConfig"]["Origins"]
    assert origin["VpcOriginConfig"]["VpcOriginId"] == {"Fn::GetAtt": ["CdnOrigin", "Id"]}
    assert found["CdnOrigin"]["Properties"]["VpcOriginEndpointConfig"]["Arn"] == {"Ref": "Balancer"}
    # AND to replace a balancer, balancer and target group have other names than without CloudFront
    without = resources("web.yaml", {"Stage": "dev"})
    for name in ("Balancer", "Targets"):
        assert found[name]["Properties"]["Name"] != without[name]["Properties"]["Name"]
    assert without["Balancer"]["Properties"]["Scheme"] == "internet-facing"
    # AND visitors see one host, with TLS
    (container,) = found["Task"]["Properties"]["ContainerDefinitions"]
    settings = {each["Name"]: each["Value"] for each in container["Environment"]}
    settings = in_account({name: settings[name] for name in ("HTTP_HOSTS", "PUBLIC_URL")}, "1", "r", CDN)
    host = given.get("WebHost", CDN["Cdn.DomainName"])
    assert settings == {"HTTP_HOSTS": host, "PUBLIC_URL": f"https://{host}"}


NO_TLS = {"WebCdn": "no", "WebCertificate": "", "WebCdnCertificate": "", "WebHost": ""}


def test_visitors_reach_the_website_by_tls_or_do_not_and_a_name_needs_its_certificate() -> None:
    for given, has in (({}, False), ({"WebCdn": "yes"}, True), ({"WebCertificate": "arn:x"}, True)):
        assert has_tls(NO_TLS | given) is has
    with pytest.raises(PreconditionFailed, match="WebCertificate is set, but not WebHost"):
        check_names(NO_TLS | {"WebCertificate": "arn:x"})
    with pytest.raises(PreconditionFailed, match="WebCdn=yes needs WebCdnCertificate"):
        check_names(NO_TLS | {"WebCdn": "yes", "WebHost": "a.example"})
    check_names(NO_TLS)
    check_names(NO_TLS | {"WebCdn": "yes"})


@pytest.mark.parametrize(("firewall", "there"), [("no", False), ("yes", True)])
def test_one_parameter_switches_both_firewalls(firewall: str, there: bool) -> None:
    for name, association in (("edge.yaml", "WebAclOfApi"), ("web.yaml", "WebAclOfBalancer")):
        found = resources(name, {"Stage": "dev", "Firewall": firewall})
        assert ("WebAcl" in found, association in found) == (there, there)


def test_alarms_refer_to_the_load_balancer_and_wait_for_its_tasks() -> None:
    metric = FOUND["AlarmWebNoTasks"]["Properties"]["Metrics"][0]["MetricStat"]["Metric"]
    assert [each["Value"]["Fn::Sub"] for each in metric["Dimensions"]] == [
        "${Balancer.LoadBalancerFullName}",
        "${Targets.TargetGroupFullName}",
    ]
    assert "Service" in FOUND["AlarmWebNoTasks"]["DependsOn"]


def test_the_service_starts_with_two_tasks_and_a_deployment_that_fails_is_rolled_back() -> None:
    found = resources("web.yaml", {"Stage": "dev"})
    service = found["Service"]["Properties"]
    # GIVEN no number of tasks, to which each deployment would set a scaled service THEN scaling starts with two
    assert "DesiredCount" not in service
    assert int(found["Scaling"]["Properties"]["MinCapacity"]) >= 2
    assert service["DeploymentConfiguration"]["DeploymentCircuitBreaker"] == {"Enable": True, "Rollback": True}
    # AND alarms take back what the circuit breaker does not see; they are made before the service, and silent
    alarms = service["DeploymentConfiguration"]["Alarms"]
    watched = {name: FOUND[name] for name in WATCHED}
    assert (alarms["Enable"], alarms["Rollback"]) == (True, True)
    assert alarms["AlarmNames"] == [each["Properties"]["AlarmName"] for each in watched.values()]
    assert {each["Properties"]["TreatMissingData"] for each in watched.values()} == {"notBreaching"}
    assert not any("Service" in each.get("DependsOn", []) for each in watched.values())
    assert {*WATCHED} < {*found["Service"]["DependsOn"]}


@pytest.mark.parametrize(("stage", "least"), [("dev", 0.4), ("prod", 0.33)])
def test_tier_and_api_share_one_reserve_and_neither_starves_the_other(stage: str, least: float) -> None:
    # GIVEN the reserve of a stage, and the most that each may hold of it
    reserved = function_settings(stage)["api_handler"]["reserved_concurrency"]
    tasks = int(parameters_of(stage, {})["WebMostTasks"])
    (container,) = web_template(stage, tasks=tasks)["Resources"]["Task"]["Properties"]["ContainerDefinitions"]
    (each_task,) = (int(each["Value"]) for each in container["Environment"] if each["Name"] == "HTTP_WORKERS")
    limits = method_limits(stage).items()
    bursts = sum(each.burst for (name, path), each in limits if path.endswith("/identify") and name == "POST")
    # THEN together they hold no more than there is, and each has a good part
    assert tasks * each_task + bursts <= reserved
    assert min(tasks * each_task, bursts) >= int(reserved * least)
