"""Findings of the scanners, and which of them are accepted.

In accepted.csv, `*` in a resource's name is any text.
"""

import csv
import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

ACCEPTED = Path(__file__).with_name("accepted.csv")


@dataclass(frozen=True, order=True, slots=True)
class Finding:
    """A check of a tool that a resource fails. Two findings of one check and resource are the same."""

    tool: str
    check: str
    resource: str
    says: str = field(default="", compare=False)


def of_checkov(output: str) -> set[Finding]:
    """Return the findings in checkov's JSON. Raise `ValueError` if it could not parse a file, or checked nothing."""
    reports = json.loads(output)
    found = set[Finding]()
    for report in reports if isinstance(reports, list) else [reports]:
        summary = report.get("summary", report)  # without the key, checkov found no file
        if summary["parsing_errors"] or not summary["passed"]:
            raise ValueError(f"checkov checked nothing, or could not parse a file: {summary}")
        for each in report["results"]["failed_checks"]:
            found.add(Finding("checkov", each["check_id"], each["resource"], each["check_name"]))
    return found


def of_parliament(output: str, policy: str) -> set[Finding]:
    """Return the findings in parliament's output, which has a JSON object on each line. `policy`: the policy's name."""
    issues: list[Mapping[str, Any]] = [json.loads(line) for line in output.splitlines()]
    return {Finding("parliament", each["issue"], policy, f"{each['title']} {each['detail']}") for each in issues}


def read_accepted(path: Path = ACCEPTED) -> dict[Finding, str]:
    """Return the accepted findings with their reasons."""
    with path.open(encoding="utf-8", newline="") as file:
        return {Finding(row["tool"], row["check"], row["resource"]): row["reason"] for row in csv.DictReader(file)}


def problems(found: Collection[Finding], accepted: Mapping[Finding, str]) -> Iterator[str]:
    """Yield what is wrong: findings that nobody accepted, and accepted ones that are no more."""
    for each in sorted(found):
        if not any(_covers(one, each) for one in accepted):
            yield f"{each.tool} {each.check}, {each.resource}: {each.says}; fix it, or accept it with a reason"
    for one in sorted(accepted):
        if not any(_covers(one, each) for each in found):
            yield f"{one.tool} {one.check}, {one.resource}: accepted, but not found any more; remove the line"


def _covers(accepted: Finding, found: Finding) -> bool:
    same = (accepted.tool, accepted.check) == (found.tool, found.check)
    return same and fnmatchcase(found.resource, accepted.resource)
