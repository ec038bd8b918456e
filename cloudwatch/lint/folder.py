"""A whole folder, linted: each file by itself, then all against one another, the code and the documents."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cloudwatch import files
from cloudwatch.limits import LimitError
from cloudwatch.lint import composite, coverage, query, runbook
from cloudwatch.lint.alarm import MetricAlarm
from cloudwatch.lint.dashboard import Dashboard
from cloudwatch.lint.finding import Finding
from cloudwatch.lint.placeholders import misspelt
from cloudwatch.lint.reference import check
from cloudwatch.prices import PriceError, read_prices


@dataclass(slots=True)
class Report:
    """What lint found, and how much it looked at."""

    findings: list[Finding] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)

    def summary(self) -> str:
        """One line: what was looked at."""
        return ", ".join(f"{count} {what}" for what, count in self.counts.items())


def lint(folder: Path = files.FOLDER) -> Report:
    """Check all files of a folder that is laid out like dashboards/, with docs/ beside it."""
    return _Run(folder).report


class _Run:
    """One run: the files that can be read, and what is said of them."""

    def __init__(self, folder: Path) -> None:
        self.report = Report()
        self._folder, self._docs = folder, folder.parent / "docs"
        self._dashboards: dict[str, Dashboard] = {}
        self._alarms: dict[str, MetricAlarm] = {}
        self._composites: dict[str, tuple[str, dict[str, Any]]] = {}
        self._placeholders: set[str] = set()
        self._links: dict[str, set[str]] = {}
        try:
            self._prices = read_prices(folder / "prices.csv")
            self._values = files.values_of(files.KEPT, folder)
            everything = files.sources(folder)
        except PriceError as error:
            self._say([Finding(f"{folder.name}/prices.csv", "", str(error).removeprefix("prices.csv "))])
        except (files.FileError, LimitError) as error:
            self._say([Finding(error.file, "", error.detail)])
        else:
            if self._read(everything):
                self._check_together()
        self.report.findings = sorted(set(self.report.findings))

    def _say(self, findings: Iterable[Finding]) -> None:
        self.report.findings += findings

    def _read(self, everything: list[files.Source]) -> bool:
        """Read and check each file by itself. Whether all could be read: else nothing can be said of the whole."""
        unread = 0
        for source in everything:
            try:
                self._placeholders |= files.used_placeholders(source)
                self._links[source.file] = runbook.links_of(source.text())
                self._say(Finding(source.file, "", each) for each in misspelt(source.text(), self._values))
                self._check(source)
            except files.FileError as error:
                unread += 1
                self._say([Finding(error.file, "", error.detail)])
        self.report.counts = {
            "dashboards": len(self._dashboards),
            "widgets": sum(len(each.widgets) for each in self._dashboards.values()),
            "lines": sum(each.lines for each in self._dashboards.values()),
            "alarms": len(self._alarms),
            "composites": len(self._composites),
            "queries": sum(each.kind == "query" for each in everything),
        }
        return not unread

    def _check(self, source: files.Source) -> None:
        values = self._values
        if source.kind == "query":
            read = files.read_query(source, values)
            self._say(Finding(source.file, "", each) for each in query.problems(read.text, read.log_groups))
            return
        body = files.read_object(source, values)
        if source.kind == "composite":
            self._composites[source.name] = (source.file, body)
            return
        checked = (
            Dashboard(source.file, body) if source.kind == "dashboard" else MetricAlarm(source.file, source.name, body)
        )
        self._say(checked.findings)
        if isinstance(checked, Dashboard):
            self._dashboards[source.name] = checked
        else:
            self._alarms[source.name] = checked

    def _check_together(self) -> None:
        """What shows only where files, code and documents are held against one another."""
        names = [*self._alarms, *self._composites]
        references = [each for of in (self._dashboards, self._alarms) for one in of.values() for each in one.references]
        alarms = {name: (each.file, each.body) for name, each in self._alarms.items()}
        for reference in references:
            self._say(check(reference))
        for dashboard in self._dashboards.values():
            self._say(dashboard.unknown(names, self._dashboards))
        self._say(composite.check(self._composites, alarms))
        self._say(runbook.check(self._docs / "how-to" / "runbook.md", names, self._links))
        if all(each.is_whole for of in (self._dashboards, self._alarms) for each in of.values()):
            self._say(coverage.check_metrics(references, self._folder))
        self._say(coverage.check_prices(self._prices, self._placeholders, self._folder.parent, self._folder))
        self._say(coverage.check_limits(self._placeholders, self._folder.parent))
        bodies = [body for _, body in alarms.values()]
        counts = coverage.counts(bodies, len(self._composites), len(self._dashboards))
        self._say(coverage.check_counts(self._prices, counts, self._folder))
