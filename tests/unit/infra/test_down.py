"""Functions leave the network, and their interfaces are waited for."""

from typing import Any

import pytest

from infra import down
from infra.step import PreconditionFailed
from tests.unit.infra.fake_aws import Client, ResourceNotFoundException


def lambdas(**subnets: list[str]) -> Client:
    """Return a fake client of Lambda with functions in these subnets."""

    def configuration(FunctionName: str) -> dict[str, Any]:  # noqa: N803
        if FunctionName not in subnets:
            raise ResourceNotFoundException
        return {"VpcConfig": {"SubnetIds": subnets[FunctionName]}}

    return Client(get_function_configuration=configuration, update_function_configuration=lambda **_: None)


def ec2(*left: list[str]) -> Client:
    """Return a fake client of EC2 that lists these interfaces, one list per call; the last one repeats."""
    looks = list(left)

    def describe(Filters: object) -> dict[str, Any]:  # noqa: N803
        assert Filters == [{"Name": "group-id", "Values": ["sg-1"]}]
        found = looks.pop(0) if len(looks) > 1 else looks[0]
        return {"NetworkInterfaces": [{"NetworkInterfaceId": each} for each in found]}

    return Client(describe_network_interfaces=describe)


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(down, "PAUSE", 0.0)


def test_functions_leave_their_network_and_others_stay_as_they_are() -> None:
    # GIVEN a function in a network, one without, and one that is gone WHEN they are detached
    client, output = lambdas(inside=["subnet-1"], outside=[]), list[str]()
    down.detach(client, ["inside", "outside", "gone"], output.append)
    # THEN only the first is updated, after a wait for an earlier update and before one for this
    changed = [call for call in client.calls if call[0] == "update_function_configuration"]
    no_network: dict[str, list[str]] = {"SubnetIds": [], "SecurityGroupIds": []}
    assert changed == [("update_function_configuration", {"FunctionName": "inside", "VpcConfig": no_network})]
    assert [name for name, _ in client.calls].count("function_updated") == 2
    assert output == ["inside is detached"]


def test_it_asks_often_and_prints_a_line_a_minute_or_when_fewer_are_left(monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN interfaces that Lambda deletes one after the other, and a clock that advances by 10 s a check
    monkeypatch.setattr(down, "poll", lambda *_: (10.0 * each for each in range(270)))
    looks = [["eni-1", "eni-2"]] * 8 + [["eni-1"]] * 2 + [[]]
    output: list[str] = []
    # WHEN they are waited for
    down.wait_until_deleted(ec2(*looks), "sg-1", output.append)
    # THEN the wait ends with the last one, and not each of the 10 checks is a line
    assert output == [
        "    0 s  waiting for Lambda to delete 2 network interfaces",
        "   60 s  waiting for Lambda to delete 2 network interfaces",
        "   80 s  waiting for Lambda to delete 1 network interface",
    ]


def test_waiting_has_an_end_that_names_what_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(down, "TIMEOUT", 0.0)
    with pytest.raises(PreconditionFailed, match="network interfaces eni-1 of security group sg-1 still exist"):
        down.wait_until_deleted(ec2(["eni-1"]), "sg-1", lambda _: None)
