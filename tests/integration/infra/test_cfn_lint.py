"""What CloudFormation would be sent is right by cfn-lint, which takes its time and so is not among the unit tests."""

import re

import pytest
from cfnlint.api import lint
from cfnlint.config import ManualArgs

from chalicelib.config.settings import ROOT
from infra.certificates import FOLDER as CERTIFICATES
from testing.cloudformation import INFRA

GUIDE = (ROOT / "docs" / "reference" / "infra.md").read_text(encoding="utf-8")

REGIONS = sorted(path.stem for path in CERTIFICATES.glob("*.pem"))
"""Where the app can run: we have the certificates of the database."""

WITHOUT_BUDGETS = set(re.findall(r"`([a-z]{2}-[a-z]+-\d)`", GUIDE.partition("no budgets in")[2].partition("\n\n")[0]))
"""Regions in which CloudFormation does not know budgets, as docs/reference/infra.md lists them."""


def found_by_cfn_lint(text: str, regions: list[str]) -> list[str]:
    return [each.message for each in lint(text, config=ManualArgs(regions=regions))]


@pytest.mark.parametrize("name", ["faunalens.yaml", "edge.yaml"])
def test_cfn_lint_finds_nothing_in_any_region(name: str) -> None:
    found = found_by_cfn_lint((INFRA / name).read_text(encoding="utf-8"), REGIONS)
    budgets = [f"Resource type 'AWS::Budgets::Budget' does not exist in '{region}'" for region in WITHOUT_BUDGETS]
    assert sorted(found) == (sorted(budgets) if name == "faunalens.yaml" else [])


def test_cfn_lint_would_find_something() -> None:
    text = (INFRA / "edge.yaml").read_text(encoding="utf-8")
    assert found_by_cfn_lint(text, ["eu-west-1"]) == []
    assert found_by_cfn_lint(text.replace("Scope: REGIONAL", "Scope: LOCAL"), ["eu-west-1"])
