"""cloudwatch/ can become a package of its own: one module knows the project, one the app; syntax/ knows neither."""

import ast
from pathlib import Path

import pytest

from cloudwatch.project import ROOT

PACKAGE = ROOT / "cloudwatch"
KNOW_THE_APP = {"lint/emitted.py"}
"""Besides preview/ and simulation/, which run parts of the app."""
MODULES = [
    path
    for path in sorted(PACKAGE.rglob("*.py"))
    if path.relative_to(PACKAGE).parts[0] not in ("preview", "simulation")
]


def imports(path: Path) -> set[str]:
    """Return the modules that a module imports."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found


def code(path: Path) -> str:
    """Return the code of a module without docstrings and comments."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            texts = [each for each in body if isinstance(each, ast.Expr) and isinstance(each.value, ast.Constant)]
            node.body = [each for each in body if each not in texts] or [ast.Pass()]  # type: ignore[attr-defined]
    return ast.unparse(tree)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_only_one_module_of_lint_imports_the_app(path: Path) -> None:
    foreign = {name for name in imports(path) if name.split(".")[0] in ("chalicelib", "infra", "local", "database")}
    assert not foreign or path.relative_to(PACKAGE).as_posix() in KNOW_THE_APP, foreign


@pytest.mark.parametrize("path", sorted((PACKAGE / "syntax").glob("*.py")), ids=lambda path: path.name)
def test_syntax_imports_only_itself(path: Path) -> None:
    ours = {name for name in imports(path) if name.split(".")[0] == "cloudwatch"}
    assert all(name.startswith("cloudwatch.syntax") for name in ours), ours


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_only_one_module_names_the_folders_of_the_project(path: Path) -> None:
    # `COMMANDS` and schema files aside, paths of the project are in project.py
    if path.name != "project.py":
        text = code(path)
        named = [name for name in ("docs/", "infra/", ".chalice", "parents[") if name in text]
        assert named == []
