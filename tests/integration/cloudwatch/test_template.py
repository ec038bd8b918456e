"""cfn-lint on the template of the real files; it takes its time, and so is not among the unit tests."""

import json

import pytest
from cfnlint.api import lint
from cfnlint.config import ManualArgs

from cloudwatch.files import Placeholders
from cloudwatch.template import resources_of


@pytest.mark.parametrize("stage", ["dev", "prod"])
def test_cfn_lint_finds_nothing(stage: str) -> None:
    text = json.dumps({"Resources": resources_of(Placeholders(stage))})
    assert [each.message for each in lint(text, config=ManualArgs(regions=["eu-west-1", "us-east-1"]))] == []


def test_cfn_lint_would_find_something() -> None:
    text = json.dumps({"Resources": resources_of(Placeholders("dev"))}).replace("notBreaching", "notBraeching")
    assert any("notBraeching" in each.message for each in lint(text, config=ManualArgs(regions=["eu-west-1"])))
