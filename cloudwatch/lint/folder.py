"""Lint a folder: check each file by itself, then all files against one another, the code and the runbook."""

from collections.abc import Iterable
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


def lint(folder: Path = DASHBOARDS) -> "FolderCheck":
    """Check all files of a folder that is laid out like dashboards/, with docs/ and infra/ next to it."""
    return FolderCheck(folder)


class FolderCheck:
    """Checks a folder. `findings` has its problems; `references` has the metrics that dashboards and alarms name."""

    def __init__(self, folder: Path) -> None:
        self.references: list[Reference] = []
        self._folder = folder
        self._findings: set[Finding] = set()
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
            self._findings.add(Finding(error.file, "", error.detail))
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
            self._links[source.file] = runbook.links_in(source.text())
            self._findings |= {Finding(source.file, "", each) for each in misspelt(source.text(), self._values)}
            self._findings.update(self._check(source))
        except FileError as error:
            self._findings.add(Finding(error.file, "", error.detail))
            return False
        return True

    def _check(self, source: SourceFile) -> Iterable[Finding]:
        if source.kind == "query":
            self._queries += 1
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
        self.references = [reference for each in checks for reference in each.references]
        self._findings.update(
            chain.from_iterable(map(check, self.references)),
            *(dashboard.unknown(names, self._dashboards) for dashboard in self._dashboards.values()),
            composite.check(self._composites, alarms),
            runbook.check(self._folder.parent / RUNBOOK, names, self._links),
            unused.check_prices(self._prices, self._placeholders, self._folder),
            unused.check_limits(self._placeholders, self._folder.parent),
            unused.check_counts(
                self._prices,
                {name: body for name, (_, body) in alarms.items()},
                self._composites,
                self._dashboards,
                self._folder,
            ),
        )
        if all(each.is_complete for each in checks):
            self._findings.update(unused.check_metrics(self.references, self._folder))
