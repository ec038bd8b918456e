"""cfn-lint checks values of alarms that our lint leaves to it; tests/integration/infra has it on whole templates."""

import json

from cfnlint.api import lint
from cfnlint.config import ManualArgs

from cloudwatch.files import Placeholders
from cloudwatch.template import resources_of


def test_cfn_lint_finds_a_wrong_value_and_otherwise_nothing() -> None:
    alarm = {"AlarmDegraded": resources_of(Placeholders("dev"))["AlarmDegraded"]}
    text = json.dumps({"Resources": alarm})
    found = [
        [each.message for each in lint(each, config=ManualArgs(regions=["eu-west-1"]))]
        for each in (text, text.replace("notBreaching", "notBraeching"))
    ]
    assert found[0] == []
    assert any("notBraeching" in message for message in found[1])
