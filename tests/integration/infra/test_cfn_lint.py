"""cfn-lint accepts the templates, and knows what each resource waits for; it is too slow for the unit tests."""

import re
from collections.abc import Mapping
from pathlib import Path

import networkx  # type: ignore[import-untyped]
import pytest
from cfnlint.api import lint
from cfnlint.config import ManualArgs
from cfnlint.decode.cfn_json import load
from cfnlint.template import Template

from chalicelib.config.settings import ROOT
from infra.preconditions import CERTIFICATES
from infra.template import as_text
from infra.template.web import web_template
from tests.support.cloudformation import INFRA, STAGES, resources

GUIDE = (ROOT / "docs" / "reference" / "infra.md").read_text(encoding="utf-8")

REGIONS = sorted(path.stem for path in CERTIFICATES.glob("*.pem"))
"""Regions where the app can run: those whose database certificates the package contains."""

WITHOUT_BUDGETS = set(re.findall(r"`([a-z]{2}-[a-z]+-\d)`", GUIDE.partition("no budgets in")[2].partition("\n\n")[0]))
"""Regions where CloudFormation has no budgets, as docs/reference/infra.md lists them."""


OWN = ("packages.yaml", "web.yaml", "backfill.yaml", "pipeline.yaml")
"""Templates of stacks of their own; the others are parts of the template of a whole stage."""


@pytest.mark.parametrize(
    ("name", "regions"),
    [
        *((name, ["eu-west-1"]) for name in ("prod", *OWN)),
        *(pytest.param(name, REGIONS, marks=pytest.mark.alone) for name in (*STAGES, *OWN)),  # takes half a minute
    ],
)
def test_cfn_lint_finds_nothing(name: str, regions: list[str], folders: Mapping[str, Path]) -> None:
    path = folders[name] / "sam.json" if name in STAGES else INFRA / name
    text = as_text(web_template("dev")) if name == "web.yaml" else path.read_text(encoding="utf-8")
    found = {each.message for each in lint(text, config=ManualArgs(regions=regions))}
    without_budgets = WITHOUT_BUDGETS.intersection(regions if name in STAGES else ())
    assert found == {f"Resource type 'AWS::Budgets::Budget' does not exist in '{region}'" for region in without_budgets}


CERTIFICATE = {"WebCertificate": "arn:x", "WebHost": "a.example"}


@pytest.mark.parametrize("given", [{}, CERTIFICATE, {"WebCdn": "yes"}, {"WebCdn": "yes", **CERTIFICATE}])
def test_the_service_waits_for_the_listener_that_forwards_to_its_group(given: dict[str, str], tmp_path: Path) -> None:
    # GIVEN the tier with and without a certificate, and cfn-lint's graph of references and DependsOn
    found, path = resources("web.yaml", {"Stage": "dev", **given}), tmp_path / "template.json"
    document = {**web_template("dev"), "Resources": found, "Conditions": {}, "Outputs": {}}
    path.write_text(as_text(document), encoding="utf-8")
    before = networkx.descendants(Template(str(path), load(str(path))).graph.graph, "Service")
    # THEN the service comes after the listener: ECS refuses a group that no listener has
    (group,) = (each["TargetGroupArn"] for each in found["Service"]["Properties"]["LoadBalancers"])
    listeners = {name: each["Properties"] for name, each in found.items() if each["Type"].endswith("::Listener")}
    (listener,) = (name for name, each in listeners.items() if f"{group}" in f"{each['DefaultActions']}")
    assert listener in before
