"""The runbook: a section for each alarm and composite, and none for one that is gone."""

import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from cloudwatch.lint.finding import Finding, instead

_SECTION = re.compile(r"^## (.+?)\s*$", re.MULTILINE)
_HEADING = re.compile(r"^#{1,6} (.+?)\s*$", re.MULTILINE)
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_LINK = re.compile(r"RUNBOOKURL#([\w-]+)")
FILE = "docs/how-to/runbook.md"


def links_of(text: str) -> set[str]:
    """Sections of the runbook that a text leads to."""
    return set(_LINK.findall(text))


def check(path: Path, names: Collection[str], links: Mapping[str, Collection[str]]) -> Iterator[Finding]:
    """Alarms without a section, sections without an alarm, and links that lead nowhere.

    `links`: sections that each file leads to. A heading of the form of a file's name stands for an alarm, unless
    a dashboard leads to it.
    """
    if not path.exists():
        yield Finding(FILE, "", "there is no runbook; write one, with a section `## name` for each alarm and composite")
        return
    text = path.read_text(encoding="utf-8")
    headings = _SECTION.findall(text)
    anchors = {re.sub(r"[^\w-]", "", heading.lower().replace(" ", "-")) for heading in _HEADING.findall(text)}
    for name in sorted(set(names) - set(headings)):
        yield Finding(
            FILE, "", f"alarm {name} has no section; write `## {name}`: what it means, how to look, what to do"
        )
    led_to = {anchor for anchors in links.values() for anchor in anchors}
    for heading in headings:
        if _NAME.fullmatch(heading) and heading not in names and heading not in led_to:
            yield Finding(FILE, f"## {heading}", f"no file makes an alarm of that name; {instead(heading, names)}")
        if heading in names and headings.count(heading) > 1:
            yield Finding(FILE, f"## {heading}", "stands there twice; links lead to the first only, put them together")
    for file, anchor in sorted((file, anchor) for file, some in links.items() for anchor in some):
        if anchor not in anchors and anchor not in names:
            yield Finding(file, f"RUNBOOKURL#{anchor}", f"{FILE} has no such section; {instead(anchor, anchors)}")
