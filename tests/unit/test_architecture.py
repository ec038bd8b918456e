"""How the code is laid out: arrows run down only, heavy libraries wait until they are needed, everything is said."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

LAYERS = (
    "app",
    "parts identify openapi feature_stage",
    "warming record emitter logs answer prior asked body health page problem",
    "features scoring taxonomy photo location form cache store uploads",
    "redis_client redis_faults sources visit lifetimes jpeg",
    "demand memory flights breaker packing keys cells iam deadline",
    "settings metrics start",
    "setting errors casts redaction",
)
"""Who may use whom: what stands further down, or beside it. Beside it only as long as there is no circle."""

HEAVY = (
    "boto3",
    "botocore",
    "aiohttp",
    "redis",
    "psycopg2",
    "onnxruntime",
    "h3",
    "multipart",
    "pillow_heif",
    "chalice",
)
"""What a cold start pays for: imported by the function that needs it."""

FOREIGN = {"os.environ", "os.getenv", "chalice", "sys.argv"}

LONGEST = 340
"""Lines of a module. About 300 is the rule; the two at its end are tables of settings, and the one algorithm."""


def modules(*folders: str) -> list[Path]:
    return [ROOT / "app.py", *(path for folder in folders for path in sorted((ROOT / folder).glob("*.py")))]


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imported(node: ast.AST) -> Iterator[str]:
    """Modules that are imported anywhere below a node, but for what is only for types."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from (alias.name for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            whole = child.module or ""
            yield from (f"{whole}.{alias.name}" for alias in child.names) if whole == "chalicelib" else [whole]
        elif isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
            continue
        else:
            yield from imported(child)


def used(path: Path) -> set[str]:
    """Modules of our own that a module uses, at once or when it needs them."""
    return {
        name.removeprefix("chalicelib.").partition(".")[0]
        for name in imported(tree_of(path))
        if name.startswith("chalicelib.")
    }


RANK = {module: rank for rank, layer in enumerate(LAYERS) for module in layer.split()}


def test_every_module_has_a_layer() -> None:
    found = {path.stem for path in modules("chalicelib")} - {"__init__"}
    assert found == RANK.keys()


@pytest.mark.parametrize("path", modules("chalicelib"), ids=lambda path: path.stem)
def test_arrows_run_down_only(path: Path) -> None:
    assert not {other for other in used(path) if RANK[other] < RANK[path.stem]}


def test_there_is_no_circle() -> None:
    # GIVEN who uses whom WHEN those that use nobody who is left are taken away THEN nobody is left
    uses = {path.stem: used(path) for path in modules("chalicelib")}
    while free := {name for name, others in uses.items() if not others & uses.keys()}:
        uses = {name: others for name, others in uses.items() if name not in free}
    assert not uses


@pytest.mark.parametrize("path", modules("chalicelib")[1:], ids=lambda path: path.stem)
def test_below_the_app_nobody_knows_chalice_or_the_environment(path: Path) -> None:
    tree = tree_of(path)
    names = set(imported(tree)) | {ast.unparse(each) for each in ast.walk(tree) if isinstance(each, ast.Attribute)}
    assert not {name for name in names if name in FOREIGN or name.startswith("chalice.")}


@pytest.mark.parametrize("folder", ["model", "database", "dashboards", "local", "benchmarks"])
def test_nothing_packed_uses_what_stays_at_the_desk(folder: str) -> None:
    for path in modules("chalicelib"):
        used = [name for name in imported(tree_of(path)) if name.partition(".")[0] == folder]
        # The one exception: the administrative function runs the database's commands, which are packed for it alone.
        assert used in ([], ["database.remote"] if path.name == "app.py" else []), path


def test_a_process_that_imports_the_feature_path_has_imported_nothing_heavy() -> None:
    # GIVEN a fresh interpreter WHEN it imports what every request goes through
    program = (
        "import sys, chalicelib.parts, chalicelib.identify, chalicelib.emitter, chalicelib.record, chalicelib.body\n"
        f"print(*sorted(set({HEAVY!r}) & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    # THEN the libraries that only some requests need, or none before its photo is decoded, are not paid for
    assert done.stdout.split() == []


@pytest.mark.parametrize(
    "path",
    modules("chalicelib", "model", "database", "dashboards", "dashboards/lint", "dashboards/preview", "local"),
    ids=lambda path: f"{path.parent.name}-{path.stem}",
)
def test_a_module_says_what_it_is_and_is_short(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= LONGEST
    assert not text.strip() or ast.get_docstring(ast.parse(text)), "no docstring"


@pytest.mark.parametrize("path", modules("chalicelib")[1:], ids=lambda path: path.stem)
def test_what_is_public_says_what_it_is(path: Path) -> None:
    assert not list(_silent(tree_of(path), ""))


def _silent(node: ast.AST, inside: str) -> Iterator[str]:
    """Public classes and functions without a docstring."""
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.ClassDef | ast.FunctionDef) or child.name.startswith("_"):
            continue
        name = f"{inside}{child.name}"
        if ast.get_docstring(child) is None and not _is_declared(child):
            yield name
        if isinstance(child, ast.ClassDef):
            yield from _silent(child, f"{name}.")


def _is_declared(node: ast.ClassDef | ast.FunctionDef) -> bool:
    """Whether it is `...` alone: a method of a protocol, said by what implements it."""
    return len(node.body) == 1 and ast.unparse(node.body[0]) == "..."
