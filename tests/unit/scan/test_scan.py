"""What the scanners say, and what of it is accepted."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.scan.__main__ import ScanFinding, _run, of_checkov, policies, problems, read_accepted

DEAD_LETTER = ScanFinding("checkov", "CKV_AWS_116", "AWS::Serverless::Function.Warm")
STAR = ScanFinding("parliament", "RESOURCE_STAR", "policy-api")


def checkov(**summary: int) -> str:
    failed = {"check_id": "CKV_AWS_116", "resource": DEAD_LETTER.resource, "check_name": "a dead letter queue"}
    passed = {"passed": 3, "parsing_errors": 0, **summary}
    return json.dumps({"summary": passed, "results": {"failed_checks": [failed]}})


@pytest.mark.parametrize(
    "output", [checkov(parsing_errors=1), checkov(passed=0), '{"passed": 0, "failed": 0, "parsing_errors": 0}']
)
def test_a_scan_of_nothing_is_an_error(output: str) -> None:
    with pytest.raises(ValueError, match="checkov checked nothing"):
        of_checkov(output)


def test_a_scanner_that_crashes_after_its_first_words_is_an_error() -> None:
    # GIVEN a scanner that ends with 1, which another does if it has found something
    crash = ("-c", "print('policy-api'); raise SystemExit(1)")
    assert _run(Path(sys.executable), *crash, found=1) == "policy-api\n"
    with pytest.raises(ValueError, match="failed with exit code 1"):
        _run(Path(sys.executable), *crash)


def test_a_finding_must_be_accepted_and_an_accepted_one_must_be_found() -> None:
    accepted = {ScanFinding("parliament", "RESOURCE_STAR", "policy-*"): "why"}
    assert list(problems([STAR], accepted)) == []
    assert "fix it, or accept it" in next(problems([STAR, DEAD_LETTER], accepted))
    assert "not found any more; remove the line" in next(problems([], accepted))
    # AND accepting one check accepts no other, and no other tool's
    for other in (replace(STAR, check="INVALID_ARN"), replace(STAR, tool="checkov")):
        assert len(list(problems([STAR, other], accepted))) == 1


def test_each_accepted_finding_has_a_reason() -> None:
    assert all(len(reason) > 40 for reason in read_accepted().values())


def test_every_policy_is_scanned() -> None:
    found = policies()
    own = {"FunctionBoundary", "FunctionRoles", "NamedResources", "NamelessResources", "PipelinePolicy"}
    assert found.keys() >= own | {f"policy-{name}" for name in ("api", "warm", "admin")}
    assert all(policy["Statement"] for policy in found.values())
