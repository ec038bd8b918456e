import io
import json
import sys

import pytest

from infra.parameters import main, parameters
from tests.cloudformation import template
from tests.unit.infra.test_environment import OUTPUTS

STACK = [{"OutputKey": name, "OutputValue": value} for name, value in OUTPUTS.items()]


def test_outputs_of_one_stack_are_all_that_the_next_one_takes() -> None:
    given = parameters("prod", STACK)
    declared = template("extras.yaml")["Parameters"]
    assert declared.keys() <= given.keys()
    assert (given["Stage"], given["RequestsPerSecond"], given["RequestsAtOnce"]) == ("prod", "300", "600")


def test_the_command_writes_what_aws_reads(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(json.dumps(STACK)))
    monkeypatch.setattr(sys, "argv", ["parameters", "--stage", "dev"])
    assert main() == 0
    assert json.loads(capsys.readouterr().out)["Parameters"]["CacheName"] == "faunalens-dev"


@pytest.mark.parametrize("said", ["null", "[]"])
def test_a_stack_without_outputs_is_told(
    said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(said))
    monkeypatch.setattr(sys, "argv", ["parameters", "--stage", "dev"])
    assert main() == 1
    assert "the stack has no output SubnetIds" in capsys.readouterr().err
