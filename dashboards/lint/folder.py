"""Lint a folder: `python -m dashboards lint [FOLDER]`. Each file is checked by itself, then all files together.

Together, everything used has to be defined: metrics, prices, limits and the sections of the runbook. Every metric that
the app emits has to be used.
"""

import argparse
import re
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from dashboards.figures import FileError, read_limits, stages_of
from dashboards.files import UNRESOLVED, SourceFile, source_files
from dashboards.lint import LintFinding, known_metrics, suggest
from dashboards.lint.body import check_alarm, check_dashboard, composite_findings, links_in, query_problems
from dashboards.lint.known_metrics import OURS, Reference, app_metrics, with_dimensions
from dashboards.project import DASHBOARDS, METRICS, RUNBOOK, TOOLS_GUIDE

_HEADING = re.compile(r"^(#{1,6}) (.+?)\s*$", re.MULTILINE)
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_KINDS = {"dashboard": ("dashboard",), "alarm": ("alarm", "composite")}
"""What a dashboard names → kinds of files that define it."""
_CAPITALS = re.compile(r"(?<![A-Za-z_])[A-Z][A-Z_]{5,}(?![A-Za-z_])")


def main(arguments: Sequence[str]) -> int:
    """Check a folder and print a line for each finding. Return 0, or 1 if there are findings."""
    parser = argparse.ArgumentParser(
        prog="python -m dashboards lint",
        description="Check dashboards, alarms, composites and queries against CloudWatch's rules. Check that they use "
        "only metrics that exist, and that they use every metric that the app emits. Needs no AWS account.",
        epilog=f"The exit code is 1 if there are findings. {TOOLS_GUIDE} lists the rules.",
    )
    help_ = f"folder to check, laid out like dashboards/; its parent has {RUNBOOK} (default: dashboards)"
    parser.add_argument("folder", nargs="?", type=Path, default=DASHBOARDS, help=help_)
    result = FolderCheck(parser.parse_args(arguments).folder.resolve())
    for finding in result.findings:
        print(finding)
    if count := len(result.findings):
        print(f"{count} problem{'s' * (count > 1)} found", file=sys.stderr)
        return 1
    print(f"no problems found in {result.files} files")
    return 0


class FolderCheck:
    """Checks all files of a folder that is laid out like dashboards/, with docs/ and infra/ next to it.

    `findings` has its problems, `references` the metrics that dashboards and alarms name, `files` the number of files.
    """

    def __init__(self, folder: Path = DASHBOARDS) -> None:
        self.references: list[Reference] = []
        self.files = 0
        self._values: Mapping[str, str] = {}
        self._bodies: dict[str, dict[str, tuple[str, dict[str, Any]]]] = {"alarm": {}, "composite": {}}
        self._links: dict[str, set[str]] = {}
        self.findings = sorted(set(self._check(folder)))

    def _check(self, folder: Path) -> Iterator[LintFinding]:
        try:
            self._values = UNRESOLVED.values(folder)
            sources = source_files(folder)
        except FileError as error:
            yield LintFinding(error.file, "", error.detail)
            return
        self.files = len(sources)
        names = {kind: [each.name for each in sources if each.kind in kinds] for kind, kinds in _KINDS.items()}
        is_readable, is_good = True, True
        for source in sources:
            try:
                for each in self._check_file(source, names):
                    if isinstance(each, Reference):
                        self.references.append(each)
                    else:
                        is_good = False
                        yield each
            except FileError as error:
                is_readable = False
                yield LintFinding(error.file, "", error.detail)
        if is_readable:
            yield from self._check_together(folder.parent, names["alarm"], is_good=is_good)

    def _check_file(self, source: SourceFile, names: Mapping[str, list[str]]) -> Iterator[LintFinding | Reference]:
        """Check one file by itself."""
        self._links[source.file] = links_in(source.text())
        yield from (LintFinding(source.file, "", each) for each in _misspelt(source.text(), self._values))
        if source.kind == "query":
            read = source.read_query(self._values)
            yield from (LintFinding(source.file, "", each) for each in query_problems(read.text, read.log_groups))
            return
        body = source.read_object(self._values)
        if source.kind == "dashboard":
            yield from check_dashboard(source.file, body, names)
            return
        self._bodies[source.kind][source.name] = (source.file, body)
        if source.kind == "alarm":
            yield from check_alarm(source.file, source.name, body)

    def _check_together(self, root: Path, alarms: list[str], *, is_good: bool) -> Iterator[LintFinding]:
        """Check the files against one another, the code and the runbook. `root` contains docs/, infra/, .chalice/."""
        if is_good:  # otherwise `references` may lack some
            yield from _check_metrics(self.references)
        for reference in self.references:
            for problem in known_metrics.problems(reference):
                yield LintFinding(reference.file, reference.place, problem)
        yield from composite_findings(self._bodies["composite"], self._bodies["alarm"])
        yield from _check_runbook(root / RUNBOOK, alarms, self._links)
        for stage in stages_of(root):
            try:
                read_limits(stage, root)
            except FileError as error:
                yield LintFinding(error.file, "", error.detail)


def _misspelt(text: str, known: Collection[str]) -> Iterator[str]:
    """Yield a message for each word in capitals that looks like a misspelt placeholder."""
    for word in sorted(set(_CAPITALS.findall(text)) - set(known)):
        if near := get_close_matches(word, known, n=1, cutoff=0.75):
            yield f'"{word}" is not a placeholder, so it would stay as it is; did you mean {near[0]}?'


def _check_metrics(references: Collection[Reference]) -> Iterator[LintFinding]:
    """Yield findings for metrics that the app emits but that no widget and no alarm uses."""
    shown = {reference.key for reference in references if reference.metric.namespace == OURS}
    known = app_metrics()
    gone = sorted({name for name, _ in shown} - known.keys())
    renamed = f"; if it replaces {' or '.join(gone)}, change the name in dashboards and alarms" if gone else ""
    unused = f"no widget and no alarm uses this metric; show it in a file of dashboards/{renamed}"
    for name, dimensions in ((name, each) for name, metric in known.items() for each in metric.sets):
        if (name, frozenset(dimensions)) not in shown:
            yield LintFinding(METRICS, with_dimensions(name, dimensions), unused)


def _check_runbook(path: Path, names: Collection[str], links: Mapping[str, Collection[str]]) -> Iterator[LintFinding]:
    """Yield findings for alarms without a section, sections without an alarm, and broken links.

    `names`: those of alarms and composites. `links`: the sections that each file links to. A heading that looks like a
    file name must name an alarm, unless a file links to it.
    """
    if not path.exists():
        yield LintFinding(RUNBOOK, "", "the file is missing; write it, with a section `## name` for every alarm")
        return
    found = _HEADING.findall(path.read_text(encoding="utf-8"))
    headings = [heading for level, heading in found if level == "##"]
    anchors = {re.sub(r"[^\w-]", "", heading.lower().replace(" ", "-")) for _, heading in found}
    for name in sorted(set(names) - set(headings)):
        missing = f"alarm {name} has no section; write `## {name}` with `make docs`, then where to look, what to do"
        yield LintFinding(RUNBOOK, "", missing)
    linked = {anchor for each in links.values() for anchor in each}
    for heading in headings:
        if _NAME.fullmatch(heading) and heading not in {*names, *linked}:
            unknown = f"no file defines an alarm with this name; {suggest(heading, names)}"
            yield LintFinding(RUNBOOK, f"## {heading}", unknown)
    for file, anchor in sorted((file, anchor) for file, some in links.items() for anchor in some):
        if anchor not in anchors and anchor not in names:
            wanted = f"{RUNBOOK} has no such section; {suggest(anchor, anchors)}"
            yield LintFinding(file, f"RUNBOOKURL#{anchor}", wanted)


def usage(folder: Path = DASHBOARDS) -> dict[str, tuple[list[str], list[str]]]:
    """Return the dashboards and the alarms that use each metric of the app: file names without extension."""
    found: dict[str, tuple[list[str], list[str]]] = {name: ([], []) for name in app_metrics()}
    for reference in FolderCheck(folder).references:
        if reference.metric.namespace == OURS and reference.metric.name in found:
            file = Path(reference.file)
            files = found[reference.metric.name][file.parent.name == "alarms"]
            if file.stem not in files:
                files.append(file.stem)
    return found
