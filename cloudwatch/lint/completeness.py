"""Check that everything defined is used, and that everything used is defined.

This goes for the app's metrics, prices, limits, and the sections of the runbook.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from cloudwatch.figures import LIMITS, FileError, billed_counts, placeholder_of, read_limits, stages_of
from cloudwatch.lint import LintFinding, suggest
from cloudwatch.lint.known_metrics import OURS, Reference, app_metrics, with_dimensions
from cloudwatch.project import COST, METRICS, RUNBOOK

_PRICE = re.compile(r'prices\["([a-z0-9_]+)"\]')
_SECTION = re.compile(r"^## (.+?)\s*$", re.MULTILINE)
_HEADING = re.compile(r"^#{1,6} (.+?)\s*$", re.MULTILINE)
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_LINK = re.compile(r"RUNBOOKURL#([\w-]+)")


def check_metrics(references: Collection[Reference]) -> Iterator[LintFinding]:
    """Yield findings for metrics that the app emits but that no widget and no alarm uses."""
    shown = {reference.key for reference in references if reference.namespace == OURS}
    emits = {(name, frozenset(each)): each for name, metric in app_metrics().items() for each in metric.sets}
    gone = sorted({name for name, _ in shown} - {name for name, _ in emits})
    renamed = f"; if it replaces {' or '.join(gone)}, change the name in dashboards and alarms" if gone else ""
    for (name, key), dimensions in emits.items():
        if (name, key) not in shown:
            unused = f"no widget and no alarm uses this metric; show it in a file of dashboards/{renamed}"
            yield LintFinding(METRICS, with_dimensions(name, dimensions), unused)


def check_prices(prices: Collection[str], used: Collection[str], folder: Path) -> Iterator[LintFinding]:
    """Yield findings for unused prices, and for prices that infra/cost uses but the table lacks.

    `used`: placeholders in the files. infra/ is next to `folder`.
    """
    text = "".join(path.read_text(encoding="utf-8") for path in (folder.parent / COST).glob("*.py"))
    calculated = set(_PRICE.findall(text))
    for name in prices:
        placeholder = placeholder_of(name)
        if placeholder not in used and name not in calculated:
            unused = f'no file uses {placeholder}, and {COST} does not use prices["{name}"]; remove the price'
            yield LintFinding(f"{folder.name}/prices.csv", name, unused)
    for name in sorted(calculated - {*prices, *billed_counts(folder)}):
        missing = f"{folder.name}/prices.csv does not have this price; {suggest(name, prices)}"
        yield LintFinding(COST, f'prices["{name}"]', missing)


def check_limits(used: Collection[str], root: Path) -> Iterator[LintFinding]:
    """Yield findings for limits that a stage does not set, and for limits that no file uses.

    `used`: placeholders in the files. `root` contains infra/ and .chalice/.
    """
    stages = stages_of(root)
    for stage in stages:
        try:
            read_limits(stage, root)
        except FileError as error:
            yield LintFinding(error.file, "", error.detail)
    for name in LIMITS if stages else ():
        if name not in used:
            yield LintFinding("cloudwatch/figures.py", name, "no alarm or widget uses this limit; use it, or remove it")


def links_in(text: str) -> set[str]:
    """Return the sections of the runbook that a text links to."""
    return set(_LINK.findall(text))


def check_runbook(path: Path, names: Collection[str], links: Mapping[str, Collection[str]]) -> Iterator[LintFinding]:
    """Yield findings for alarms without a section, sections without an alarm, and broken links.

    `names`: those of alarms and composites. `links`: the sections that each file links to. A heading that looks like a
    file name must name an alarm, unless a file links to it.
    """
    if not path.exists():
        yield LintFinding(RUNBOOK, "", "the file is missing; write it, with a section `## name` for every alarm")
        return
    text = path.read_text(encoding="utf-8")
    headings = _SECTION.findall(text)
    anchors = {re.sub(r"[^\w-]", "", heading.lower().replace(" ", "-")) for heading in _HEADING.findall(text)}
    for name in sorted(set(names) - set(headings)):
        missing = f"alarm {name} has no section; write `## {name}`: what it means, where to look, what to do"
        yield LintFinding(RUNBOOK, "", missing)
    linked = {anchor for each in links.values() for anchor in each}
    for heading in headings:
        if _NAME.fullmatch(heading) and heading not in names and heading not in linked:
            unknown = f"no file defines an alarm of that name; {suggest(heading, names)}"
            yield LintFinding(RUNBOOK, f"## {heading}", unknown)
        if heading in names and headings.count(heading) > 1:
            twice = "the section appears twice, and links reach only the first; merge the two"
            yield LintFinding(RUNBOOK, f"## {heading}", twice)
    for file, anchor in sorted((file, anchor) for file, some in links.items() for anchor in some):
        if anchor not in anchors and anchor not in names:
            wanted = f"{RUNBOOK} has no such section; {suggest(anchor, anchors)}"
            yield LintFinding(file, f"RUNBOOKURL#{anchor}", wanted)
