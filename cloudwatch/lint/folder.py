"""Lint a folder: `python -m cloudwatch lint [FOLDER]`. Each file is checked by itself, then all files together."""

import argparse
import re
import sys
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from itertools import chain
from pathlib import Path
from typing import Any

from cloudwatch.figures import FileError, read_prices
from cloudwatch.files import UNRESOLVED, SourceFile, source_files
from cloudwatch.lint import LintFinding, completeness, known_metrics, query
from cloudwatch.lint.alarm import AlarmCheck, composite_findings
from cloudwatch.lint.dashboard import DashboardCheck
from cloudwatch.project import COST, DASHBOARDS, RUNBOOK, TOOLS_GUIDE

_CAPITALS = re.compile(r"(?<![A-Za-z_])[A-Z][A-Z_]{5,}(?![A-Za-z_])")


def main(arguments: Sequence[str]) -> int:
    """Check a folder and print a line for each finding. Return 0, or 1 if there are findings."""
    parser = argparse.ArgumentParser(
        prog="python -m cloudwatch lint",
        description="Check dashboards, alarms, composites and queries against CloudWatch's rules. Check that they use "
        "only metrics that exist, and that they use every metric that the app emits. Needs no AWS account.",
        epilog=f"The exit code is 1 if there are findings. {TOOLS_GUIDE} lists the rules.",
    )
    parser.add_argument(
        "folder",
        nargs="?",
        type=Path,
        default=DASHBOARDS,
        help=f"folder to check, laid out like dashboards/; its parent has {RUNBOOK} and {COST} (default: dashboards)",
    )
    result = lint(parser.parse_args(arguments).folder.resolve())
    for finding in result.findings:
        print(finding)
    if count := len(result.findings):
        print(f"{count} problem{'s' * (count > 1)} found", file=sys.stderr)
        return 1
    print(f"no problems found in {', '.join(f'{count} {what}' for what, count in result.counts().items())}")
    return 0


def lint(folder: Path = DASHBOARDS) -> "FolderCheck":
    """Check all files of a folder that is laid out like dashboards/, with docs/ and infra/ next to it."""
    return FolderCheck(folder)


class FolderCheck:
    """Checks a folder. `findings` has its problems; `references` has the metrics that dashboards and alarms name."""

    def __init__(self, folder: Path) -> None:
        self.references: list[known_metrics.Reference] = []
        self._folder = folder
        self._findings: set[LintFinding] = set()
        self._dashboards: dict[str, DashboardCheck] = {}
        self._alarms: dict[str, AlarmCheck] = {}
        self._composites: dict[str, tuple[str, dict[str, Any]]] = {}
        self._queries = 0
        self._placeholders: set[str] = set()
        self._links: dict[str, set[str]] = {}
        try:
            self._prices = read_prices(folder / "prices.csv")
            self._values = UNRESOLVED.values(folder)
            sources = source_files(folder)
        except FileError as error:
            self._findings.add(LintFinding(error.file, "", error.detail))
        else:
            readable = [self._can_check(source) for source in sources]
            if all(readable):
                self._check_together()
        self.findings = sorted(self._findings)

    def counts(self) -> dict[str, int]:
        """Return how many dashboards, widgets, metrics, alarms, composites and queries were checked."""
        return {
            "dashboards": len(self._dashboards),
            "widgets": sum(len(each.widgets) for each in self._dashboards.values()),
            "metrics": sum(each.metrics for each in self._dashboards.values()),
            "alarms": len(self._alarms),
            "composites": len(self._composites),
            "queries": self._queries,
        }

    def _can_check(self, source: SourceFile) -> bool:
        """Check one file by itself. Return False if it cannot be read."""
        try:
            self._placeholders |= source.placeholders()
            self._links[source.file] = completeness.links_in(source.text())
            self._findings |= {LintFinding(source.file, "", each) for each in _misspelt(source.text(), self._values)}
            self._findings.update(self._check(source))
        except FileError as error:
            self._findings.add(LintFinding(error.file, "", error.detail))
            return False
        return True

    def _check(self, source: SourceFile) -> Iterable[LintFinding]:
        if source.kind == "query":
            self._queries += 1
            read = source.read_query(self._values)
            return [LintFinding(source.file, "", each) for each in query.problems(read.text, read.log_groups)]
        body = source.read_object(self._values)
        if source.kind == "dashboard":
            self._dashboards[source.name] = dashboard = DashboardCheck(source.file, body)
            return dashboard.findings
        if source.kind == "alarm":
            self._alarms[source.name] = alarm = AlarmCheck(source.file, source.name, body)
            return alarm.findings
        self._composites[source.name] = (source.file, body)
        return []

    def _check_together(self) -> None:
        """Check the files against one another, the code and the runbook."""
        names = [*self._alarms, *self._composites]
        alarms = {name: (each.file, each.body) for name, each in self._alarms.items()}
        checks: list[DashboardCheck | AlarmCheck] = [*self._dashboards.values(), *self._alarms.values()]
        self.references = [reference for each in checks for reference in each.references]
        self._findings.update(
            chain.from_iterable(map(known_metrics.check, self.references)),
            *(dashboard.unknown(names, self._dashboards) for dashboard in self._dashboards.values()),
            composite_findings(self._composites, alarms),
            completeness.check_runbook(self._folder.parent / RUNBOOK, names, self._links),
            completeness.check_prices(self._prices, self._placeholders, self._folder),
            completeness.check_limits(self._placeholders, self._folder.parent),
        )
        if all(each.is_complete for each in checks):
            self._findings.update(completeness.check_metrics(self.references))


def _misspelt(text: str, known: Collection[str]) -> Iterator[str]:
    """Yield a message for each word in capitals that looks like a misspelt placeholder."""
    for word in sorted(set(_CAPITALS.findall(text)) - set(known)):
        if near := get_close_matches(word, known, n=1, cutoff=0.75):
            yield f'"{word}" is not a placeholder, so it would stay as it is; did you mean {near[0]}?'


@dataclass(slots=True)
class Usage:
    """The dashboards and alarms that use a metric: file names without extension and without duplicates."""

    dashboards: list[str] = field(default_factory=list)
    alarms: list[str] = field(default_factory=list)


def usage(folder: Path = DASHBOARDS) -> dict[str, Usage]:
    """Return the usage of every metric of the app. If lint cannot read all files, every usage is empty."""
    found = {name: Usage() for name in known_metrics.app_metrics()}
    for reference in lint(folder).references:
        if reference.namespace == known_metrics.OURS and reference.name in found:
            file, used = Path(reference.file), found[reference.name]
            files = used.alarms if file.parent.name == "alarms" else used.dashboards
            if file.stem not in files:
                files.append(file.stem)
    return found
