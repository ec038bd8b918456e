"""Functions that leave their network, and the interfaces that Lambda takes away afterwards."""

from typing import Any

import pytest

from infra import interfaces
from infra.step import PreconditionFailed
from tests.unit.infra.amazon import Client, ResourceNotFoundException


def lambdas(**subnets: list[str]) -> Client:
    """Lambda with functions in some subnets."""

    def configuration(FunctionName: str) -> dict[str, Any]:  # noqa: N803
        if FunctionName not in subnets:
            raise ResourceNotFoundException
        return {"VpcConfig": {"SubnetIds": subnets[FunctionName]}}

    return Client(get_function_configuration=configuration, update_function_configuration=lambda **_: None)


def ec2(*left: list[str]) -> Client:
    """EC2 with these interfaces at one look after the other."""
    looks = list(left)

    def describe(Filters: object) -> dict[str, Any]:  # noqa: N803
        assert Filters == [{"Name": "group-id", "Values": ["sg-1"]}]
        found = looks.pop(0) if len(looks) > 1 else looks[0]
        return {"NetworkInterfaces": [{"NetworkInterfaceId": each} for each in found]}

    return Client(describe_network_interfaces=describe)


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interfaces, "PAUSE", 0.0)


def test_functions_leave_their_network_and_others_stay_as_they_are() -> None:
    # GIVEN a function in a network, one that left it, and one that is gone WHEN they leave
    client, said = lambdas(inside=["subnet-1"], outside=[]), list[str]()
    interfaces.leave(client, ["inside", "outside", "gone"], said.append)
    # THEN the first one is changed, between two changes that are waited for
    changed = [asked for asked in client.asked if asked[0] == "update_function_configuration"]
    nowhere: dict[str, list[str]] = {"SubnetIds": [], "SecurityGroupIds": []}
    assert changed == [("update_function_configuration", {"FunctionName": "inside", "VpcConfig": nowhere})]
    assert [name for name, _ in client.asked].count("function_updated") == 2
    assert said == ["inside is out of it"]


def test_interfaces_are_waited_for_and_told() -> None:
    said: list[str] = []
    interfaces.wait(ec2(["eni-1", "eni-2"], ["eni-1"], []), "sg-1", said.append)
    assert said == ["    0 s  2 network interfaces for Lambda to take away"]


def test_waiting_has_an_end_that_names_what_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interfaces, "PATIENCE", 0.0)
    with pytest.raises(PreconditionFailed, match="eni-1 of sg-1 is still there"):
        interfaces.wait(ec2(["eni-1"]), "sg-1", lambda _: None)
