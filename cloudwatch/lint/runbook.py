"""Check that the sections of the runbook match the alarms and composites."""

import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from cloudwatch.lint.finding import Finding, suggest
from cloudwatch.project import RUNBOOK

_SECTION = re.compile(r"^## (.+?)\s*$", re.MULTILINE)
_HEADING = re.compile(r"^#{1,6} (.+?)\s*$", re.MULTILINE)
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_LINK = re.compile(r"RUNBOOKURL#([\w-]+)")


def links_in(text: str) -> set[str]:
    """Return the sections of the runbook that a text links to."""
    return set(_LINK.findall(text))


def check(path: Path, names: Collection[str], links: Mapping[str, Collection[str]]) -> Iterator[Finding]:
    """Yield findings for alarms without a section, sections without an alarm, and broken links.

    `links`: the sections that each file links to. A heading that looks like a file name must name an alarm, unless a
    file links to it.
    """
    if not path.exists():
        yield Finding(RUNBOOK, "", "the file is missing; write it, with a section `## name` for every alarm")
        return
    text = path.read_text(encoding="utf-8")
    headings = _SECTION.findall(text)
    anchors = {re.sub(r"[^\w-]", "", heading.lower().replace(" ", "-")) for heading in _HEADING.findall(text)}
    for name in sorted(set(names) - set(headings)):
        missing = f"alarm {name} has no section; write `## {name}`: what it means, where to look, what to do"
        yield Finding(RUNBOOK, "", missing)
    linked = {anchor for each in links.values() for anchor in each}
    for heading in headings:
        if _NAME.fullmatch(heading) and heading not in names and heading not in linked:
            yield Finding(RUNBOOK, f"## {heading}", f"no file defines an alarm of that name; {suggest(heading, names)}")
        if heading in names and headings.count(heading) > 1:
            yield Finding(
                RUNBOOK, f"## {heading}", "the section appears twice, and links reach only the first; merge the two"
            )
    for file, anchor in sorted((file, anchor) for file, some in links.items() for anchor in some):
        if anchor not in anchors and anchor not in names:
            yield Finding(file, f"RUNBOOKURL#{anchor}", f"{RUNBOOK} has no such section; {suggest(anchor, anchors)}")
