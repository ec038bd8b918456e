"""Lint a folder: check each file by itself, then all files against one another, the code and the runbook."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

from cloudwatch.errors import FileError
from cloudwatch.files import UNRESOLVED, SourceFile, source_files
from cloudwatch.lint import composite, query, runbook, unused
from cloudwatch.lint.alarm import AlarmCheck
from cloudwatch.lint.dashboard import DashboardCheck
from cloudwatch.lint.finding import Finding
from cloudwatch.lint.metric_check import Reference, check
from cloudwatch.lint.placeholders import misspelt
from cloudwatch.prices import read_prices
from cloudwatch.project import DASHBOARDS, RUNBOOK


@dataclass(slots=True)
class LintResult:
    """The findings, how many things of each kind were checked, and the metrics that dashboards and alarms name."""

    findings: list[Finding] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    references: list[Reference] = field(default_factory=list)

    def summary(self) -> str:
        """Return the counts as one line."""
        return ", ".join(f"{count} {what}" for what, count in self.counts.items())


def lint(folder: Path = DASHBOARDS) -> LintResult:
    """Check all files of a folder that is laid out like dashboards/, with docs/ and infra/ beside it."""
    return _Run(folder).result


class _Run:
    """One run: the checked files and the result so far."""

    def __init__(self, folder: Path) -> None:
        self.result = LintResult()
        self._folder = folder
        self._dashboards: dict[str, DashboardCheck] = {}
        self._alarms: dict[str, AlarmCheck] = {}
        self._composites: dict[str, tuple[str, dict[str, Any]]] = {}
        self._placeholders: set[str] = set()
        self._links: dict[str, set[str]] = {}
        try:
            self._prices = read_prices(folder / "prices.csv")
            self._values = UNRESOLVED.values(folder)
            sources = source_files(folder)
        except FileError as error:
            self._add(Finding(error.file, "", error.detail))
        else:
            readable = [self._can_check(source) for source in sources]
            if all(readable):
                self._check_together()
            self.result.counts = {
                "dashboards": len(self._dashboards),
                "widgets": sum(len(each.widgets) for each in self._dashboards.values()),
                "metrics": sum(each.metrics for each in self._dashboards.values()),
                "alarms": len(self._alarms),
                "composites": len(self._composites),
                "queries": sum(each.kind == "query" for each in sources),
            }
        self.result.findings = sorted(set(self.result.findings))

    def _add(self, *findings: Finding) -> None:
        self.result.findings += findings

    def _can_check(self, source: SourceFile) -> bool:
        """Check one file by itself. Return whether it can be read."""
        try:
            self._placeholders |= source.placeholders()
            self._links[source.file] = runbook.links_in(source.text())
            self._add(*(Finding(source.file, "", each) for each in misspelt(source.text(), self._values)))
            self._add(*self._findings(source))
        except FileError as error:
            self._add(Finding(error.file, "", error.detail))
            return False
        return True

    def _findings(self, source: SourceFile) -> Iterable[Finding]:
        if source.kind == "query":
            read = source.read_query(self._values)
            return [Finding(source.file, "", each) for each in query.problems(read.text, read.log_groups)]
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
        self.result.references = references = [reference for each in checks for reference in each.references]
        self._add(*chain.from_iterable(map(check, references)))
        for dashboard in self._dashboards.values():
            self._add(*dashboard.unknown(names, self._dashboards))
        self._add(*composite.check(self._composites, alarms))
        self._add(*runbook.check(self._folder.parent / RUNBOOK, names, self._links))
        if all(each.is_complete for each in checks):
            self._add(*unused.check_metrics(references, self._folder))
        self._add(*unused.check_prices(self._prices, self._placeholders, self._folder))
        self._add(*unused.check_limits(self._placeholders, self._folder.parent))
        bodies = [body for _, body in alarms.values()]
        composites, dashboards = len(self._composites), len(self._dashboards)
        self._add(*unused.check_counts(self._prices, bodies, composites, dashboards, self._folder))
