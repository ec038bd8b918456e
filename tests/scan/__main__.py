"""Scan the templates, policies and workflows for weaknesses: `python -m tests.scan`.

checkov scans the template of a whole stage with every option, those of backfill and pipeline, and the workflows.
parliament scans the policies: actions, resources and conditions that do not exist or fit, and ways to more rights. Each
accepted finding has its reason, in tests/scan/accepted.csv, or beside its resource in a template of infra/. In that
file, `*` in the name of a resource is any text. Both scanners work offline.
"""

import csv
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from chalicelib.config.settings import ROOT
from infra.functions import policy_in
from infra.step import PreconditionFailed
from infra.template import pipeline
from local import LocalError
from tests.support.cloudformation import in_account, resources
from tests.support.pinned_environment import EnvironmentFailed, python_of

ACCEPTED = Path(__file__).with_name("accepted.csv")


@dataclass(frozen=True, order=True, slots=True)
class ScanFinding:
    """A check of a tool that a resource fails. Two findings of one check and resource are the same."""

    tool: str
    check: str
    resource: str
    says: str = field(default="", compare=False)


def of_checkov(output: str) -> set[ScanFinding]:
    """Return the findings in checkov's JSON. Raise `ValueError` if it could not parse a file, or checked nothing."""
    reports = json.loads(output)
    found = set[ScanFinding]()
    for report in reports if isinstance(reports, list) else [reports]:
        summary = report.get("summary", report)  # without the key, checkov found no file
        if summary["parsing_errors"] or not summary["passed"]:
            raise ValueError(f"checkov checked nothing, or could not parse a file: {summary}")
        for each in report["results"]["failed_checks"]:
            found.add(ScanFinding("checkov", each["check_id"], each["resource"], each["check_name"]))
    return found


def of_parliament(output: str) -> set[ScanFinding]:
    """Return the findings in parliament's output: the name of a policy, then a JSON object on a line for each issue."""
    found, policy = set[ScanFinding](), ""
    for line in output.splitlines():
        if line.startswith("{"):
            issue: Mapping[str, Any] = json.loads(line)
            found.add(ScanFinding("parliament", issue["issue"], policy, f"{issue['title']} {issue['detail']}"))
        else:
            policy = line
    return found


def read_accepted() -> dict[ScanFinding, str]:
    with ACCEPTED.open(encoding="utf-8", newline="") as file:
        return {ScanFinding(row["tool"], row["check"], row["resource"]): row["reason"] for row in csv.DictReader(file)}


def problems(found: Collection[ScanFinding], accepted: Mapping[ScanFinding, str]) -> Iterator[str]:
    """Yield what is wrong: findings that are not accepted, and accepted ones that are no longer found."""
    for each in sorted(found):
        if not any(_covers(one, each) for one in accepted):
            yield f"{each.tool} {each.check}, {each.resource}: {each.says}; fix it, or accept it with a reason"
    for one in sorted(accepted):
        if not any(_covers(one, each) for each in found):
            yield f"{one.tool} {one.check}, {one.resource}: accepted, but not found any more; remove the line"


def _covers(accepted: ScanFinding, found: ScanFinding) -> bool:
    same = (accepted.tool, accepted.check) == (found.tool, found.check)
    return same and fnmatchcase(found.resource, accepted.resource)


REQUIREMENTS = Path(__file__).with_name("requirements.txt")
STAGE = "prod"
ACCOUNT = "123456789012"
BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/pipeline-faunalens-{STAGE}-boundary"
OPTIONS = {"AccessLog": "yes", "Firewall": "yes", "PermissionsBoundary": BOUNDARY, "ApiKeys": "required"}


def main() -> int:
    """Scan everything. Return 0, or print what is wrong and return 1."""
    try:
        python = python_of("scan", REQUIREMENTS)
        with tempfile.TemporaryDirectory() as folder:
            found = scan_templates(python, Path(folder)) | scan_policies(python, Path(folder, "policies"))
    except (EnvironmentFailed, LocalError, PreconditionFailed, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    accepted = read_accepted()
    wrong = list(problems(found, accepted))
    for each in wrong:
        print(each)
    summary = f"{len(wrong)} problems" if wrong else "no problems"
    print(f"{summary} found by checkov and parliament; {len(accepted)} findings accepted in {ACCEPTED.name}")
    return int(bool(wrong))


def scan_templates(python: Path, folder: Path) -> set[ScanFinding]:
    """Return checkov's findings. `folder`: an empty folder, for the files to scan."""
    pipeline.write(STAGE, folder / "package", OPTIONS, lambda _: None)
    scanned = folder / "scanned"
    shutil.copytree(ROOT / ".github" / "workflows", scanned / ".github" / "workflows")
    shutil.copy(folder / "package" / "sam.json", scanned / "stage.json")
    for name in ("backfill.yaml", "pipeline.yaml", "web.yaml"):
        shutil.copy(ROOT / "infra" / name, scanned)
    options = ["--framework", "cloudformation", "github_actions", "--skip-download", "--compact", "--quiet"]
    command = [str(python.with_name("checkov")), "--directory", str(scanned), *options, "--output", "json"]
    return of_checkov(_run(python, *command, found=1))


# One process for all policies, because it reads AWS's actions for seconds. The file that parliament names in a finding
# may be that of another policy.
_PARLIAMENT = """
import sys
from pathlib import Path
from parliament.cli import main
for folder in sys.argv[1:]:
    print(Path(folder).name, flush=True)
    options = ["--json", "--include-community-auditors", "--include_policy_extension", "json"]
    main(["parliament", *options, "--directory", folder])
"""


def scan_policies(python: Path, folder: Path) -> set[ScanFinding]:
    """Return parliament's findings. `folder`: a new folder, which gets one for each policy."""
    scanned = policies()
    for name, policy in scanned.items():
        (folder / name).mkdir(parents=True)
        (folder / name / "policy.json").write_text(json.dumps(policy), encoding="utf-8")
    return of_parliament(_run(python, "-c", _PARLIAMENT, *(str(folder / name) for name in scanned)))


def policies() -> dict[str, Mapping[str, Any]]:
    """Return the functions' policies of a stage, and those of its pipeline, by name."""
    own = {path.stem: path.read_text(encoding="utf-8") for path in (ROOT / ".chalice").glob("policy-*.json")}
    found: dict[str, Mapping[str, Any]] = {name: policy_in(STAGE, json.loads(text)) for name, text in own.items()}
    given = {"Stage": STAGE, "PackageBucket": "packages", "Repository": "owner/name"}
    references = {
        "FunctionBoundary": BOUNDARY,
        "CloudFormationRole.Arn": f"arn:aws:iam::{ACCOUNT}:role/pipeline-faunalens-{STAGE}-cloudformation",
    }
    for name, each in resources("pipeline.yaml", given).items():
        if each["Type"] == "AWS::IAM::ManagedPolicy":
            found[name] = in_account(each["Properties"]["PolicyDocument"], ACCOUNT, "eu-west-1", references)
    return found


def _run(python: Path, *arguments: str, found: int = 0) -> str:
    """Return a scanner's output. `found`: its exit code if it found something."""
    command = [str(python), "-W", "ignore", *arguments]
    quiet = {**os.environ, "LOG_LEVEL": "ERROR", "NO_COLOR": "1"}
    done = subprocess.run(command, env=quiet, capture_output=True, text=True, check=False)
    if done.returncode not in (0, found) or not (done.stdout.strip() or done.returncode == 0):
        raise ValueError(f"{arguments[0]} failed with exit code {done.returncode}:\n{done.stderr[-2000:]}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
