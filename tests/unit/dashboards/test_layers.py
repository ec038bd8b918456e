"""Arrows between the modules of dashboards/: no circle, lint below what uses it, and AWS in few places."""

import ast
from collections.abc import Iterator
from pathlib import Path

from dashboards.files import FOLDER
from dashboards.lint.circles import in_circle

MODULES = {
    ".".join(path.relative_to(FOLDER.parent).with_suffix("").parts).removesuffix(".__init__"): path
    for path in FOLDER.rglob("*.py")
}


def imported(path: Path) -> Iterator[str]:
    """Modules that a file imports, at once or when it needs them."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                below = f"{node.module}.{alias.name}"
                yield below if below in MODULES else node.module


USES = {name: set(imported(path)) & MODULES.keys() - {"dashboards", name} for name, path in MODULES.items()}


def test_there_is_no_circle() -> None:
    assert in_circle(USES) == []


def test_what_reads_and_checks_knows_nothing_of_preview_and_deploy() -> None:
    above = {name for name in MODULES if name.startswith("dashboards.preview")} | {
        "dashboards.account",
        "dashboards.connection",
        "dashboards.deploy",
        "dashboards.plan",
        "dashboards.template",
    }
    for name in MODULES.keys() - above - {"dashboards.__main__"}:
        assert not USES[name] & above, name


def test_only_the_connection_knows_boto3() -> None:
    users = {name for name, path in MODULES.items() if any(each.split(".")[0] == "boto3" for each in imported(path))}
    assert users == {"dashboards.connection"}
