"""How the code is laid out: imports run down only, heavy libraries are imported late, every module says what it is."""

import ast
import subprocess
import sys
from collections.abc import Iterator, Sequence
from functools import cache
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]

LAYERS = (
    "tests",
    "benchmarks docs",
    "tests.support",
    "local",
    "infra",
    "dashboards.__main__",
    "dashboards.preview dashboards.simulation dashboards.lint",
    "dashboards",
    "app faunalens.__main__",
    "faunalens.web.__main__ faunalens.cli",
    "faunalens.web",
    "faunalens.backfill faunalens.review faunalens.training faunalens.tables",
    "faunalens.exports",
    "faunalens.importing",
    "faunalens.study",
    "faunalens.engines",
    "faunalens.taxa faunalens.terminal",
    "faunalens.words",
    "faunalens.data.maintain",  # people make the data with it; the package for Lambda leaves it out
    "faunalens.data model",
    "faunalens faunalens.errors",
    "chalicelib.routes chalicelib.batch",
    "chalicelib.application",
    "chalicelib.api",
    "chalicelib.identify",
    "chalicelib.services chalicelib.awake",
    "chalicelib.shadow",
    "chalicelib.telemetry",
    "chalicelib.model",
    "chalicelib.stores",
    "chalicelib.features chalicelib.photo",
    "chalicelib.location",
    "chalicelib.config",
    "chalicelib.errors",
    "chalicelib.corrections chalicelib.deadline chalicelib.lazy chalicelib.redaction",
)
"""A module may import from lower lines and from its own. Its room is the longest of these names that fits."""

EXCEPTIONS = {
    ("app", "infra.gateway_responses"),  # only under Chalice's own commands, which pack and deploy as infra/ says
    ("app", "infra.package.packager"),
}
"""Arrows up, each with its reason."""

ONLY_THERE = {
    "boto3": "faunalens.backfill.cloud chalicelib.api.uploads infra tests local",
    "chalice": "app infra local tests benchmarks",
    "starlette": "faunalens.web tests",
}
"""Libraries that only some rooms know."""

HEAVY = {*ONLY_THERE, "botocore", "aiohttp", "redis", "psycopg2", "onnxruntime", "h3", "multipart", "pillow_heif"}
"""What a cold start pays for: imported by the function that needs it."""

FOREIGN = {"os.environ", "os.getenv", "chalice", "sys.argv"}

LONGEST = 360
"""Lines of a module. About 300 is the rule; longer ones are tables."""

RANK = {room: rank for rank, layer in enumerate(LAYERS) for room in layer.split()}
PACKAGES = sorted({room.partition(".")[0] for room in RANK} - {"app"})


class Import(NamedTuple):
    """One module imports another, there."""

    importer: str
    imported: str
    line: int


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


MODULES = {
    name_of(path): path
    for path in [ROOT / "app.py", *(each for package in PACKAGES for each in sorted((ROOT / package).rglob("*.py")))]
}
PRODUCT = {name: path for name, path in MODULES.items() if name.startswith("chalicelib.")}


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def imported(path: Path) -> Sequence[tuple[str, int]]:
    """Names that a module imports anywhere, for types only too, with their lines."""
    found = []
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            found += [(alias.name, node.lineno) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                found.append((whole if whole in MODULES else node.module or "", node.lineno))
    return found


IMPORTS = [
    Import(name, other, line)
    for name, path in MODULES.items()
    for other, line in imported(path)
    if other in MODULES and other != name
]
"""Every import of one module of ours by another."""


def room_of(module: str) -> str:
    """The room in `LAYERS` that a module is in: the longest name that fits."""
    parts = module.split(".")
    names = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
    return next((name for name in names if name in RANK), "")


def shown(found: Import) -> str:
    path = MODULES[found.importer].relative_to(ROOT)
    line = (ROOT / path).read_text(encoding="utf-8").splitlines()[found.line - 1].strip()
    return f"{path}:{found.line}: {line}"


def test_every_module_is_in_a_room() -> None:
    assert not [name for name in MODULES if not room_of(name) and name != "chalicelib"]


def test_imports_run_down_only() -> None:
    up = [
        shown(each)
        for each in IMPORTS
        if RANK[room_of(each.imported)] < RANK[room_of(each.importer)]
        and (each.importer, each.imported) not in EXCEPTIONS
    ]
    assert not up, "these imports run up:\n" + "\n".join(up)


@pytest.mark.parametrize("level", ["rooms", "modules"])
def test_there_is_no_circle(level: str) -> None:
    name_at = room_of if level == "rooms" else str
    sorter = TopologicalSorter[str]()
    lines: dict[tuple[str, str], str] = {}
    for each in IMPORTS:
        pair = name_at(each.importer), name_at(each.imported)
        if pair[0] != pair[1] and (each.importer, each.imported) not in EXCEPTIONS:
            sorter.add(*pair)
            lines[pair] = shown(each)
    try:
        sorter.prepare()
    except CycleError as error:
        circle = error.args[1]
        pytest.fail("\n".join(["a circle:", *(lines[after, before] for before, after in pairwise(circle))]))


def test_below_the_app_nobody_knows_chalice_or_the_environment() -> None:
    for module, path in PRODUCT.items():
        names = {name for name, _ in imported(path)}
        names |= {ast.unparse(each) for each in ast.walk(tree_of(path)) if isinstance(each, ast.Attribute)}
        assert not {name for name in names if name in FOREIGN or name.startswith("chalice.")}, module


@pytest.mark.parametrize("library", ONLY_THERE)
def test_a_library_stays_in_its_rooms(library: str) -> None:
    users = {name for name, path in MODULES.items() if any(each.split(".")[0] == library for each, _ in imported(path))}
    rooms = tuple(f"{room}." for room in ONLY_THERE[library].split())
    assert not {name for name in users if not f"{name}.".startswith(rooms)}


def test_what_is_packed_uses_nothing_that_is_not() -> None:
    # The one exception: the administrative function runs the database's commands, which are packed for it alone.
    packed = [each for each in IMPORTS if each.importer == "app" or each.importer.startswith("chalicelib.")]
    out = {(each.importer, each.imported) for each in packed if not each.imported.startswith("chalicelib")}
    assert out - EXCEPTIONS == {("app", "faunalens.data.__main__")}


def test_a_process_that_imports_the_feature_path_has_imported_nothing_heavy() -> None:
    # GIVEN a fresh interpreter WHEN it imports what every request goes through
    program = (
        "import sys, chalicelib.services, chalicelib.identify, chalicelib.telemetry.emf, chalicelib.api.parameters\n"
        f"print(*sorted({HEAVY!r} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    # THEN the libraries that only some requests need, or none before its photo is decoded, are not paid for
    assert done.stdout.split() == []


def test_a_module_says_what_it_is_and_is_short() -> None:
    ours = {name: tree_of(path) for name, path in MODULES.items() if room_of(name) != "tests"}
    assert not [name for name, tree in ours.items() if tree.body and not ast.get_docstring(tree)], "no docstring"
    long = [name for name in ours if len(MODULES[name].read_text(encoding="utf-8").splitlines()) > LONGEST]
    assert not long, f"more than {LONGEST} lines"


WRITERS = ("app", "chalicelib", "faunalens", "local", "infra", "model")
"""Rooms whose JSON goes to clients, logs, files or AWS."""


def test_json_is_never_written_with_nan_or_infinity() -> None:
    # GIVEN the calls that write JSON, by whatever name the function was imported
    writers = {name: tree_of(path) for name, path in MODULES.items() if name.split(".")[0] in WRITERS}
    writing = [
        (name, node)
        for name, tree in writers.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in {"dump", "dumps", "JSONEncoder"}
    ]
    assert len(writing) > 30
    # THEN each refuses NaN and infinity, which JSON does not have and most readers refuse
    lax = [
        f"{name}, line {call.lineno}"
        for name, call in writing
        if not any(ast.unparse(each) == "allow_nan=False" for each in call.keywords)
    ]
    assert not lax, f"JSON is written without allow_nan=False: {lax}"


def test_what_is_public_says_what_it_is() -> None:
    assert not [(name, each) for name, path in PRODUCT.items() for each in _silent(tree_of(path), "")]


def _silent(node: ast.AST, inside: str) -> Iterator[str]:
    """Public classes and functions without a docstring."""
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.ClassDef | ast.FunctionDef) or child.name.startswith("_"):
            continue
        name = f"{inside}{child.name}"
        is_declared = ast.unparse(child.body[0]) == "..."  # a method of a protocol, said by what implements it
        if ast.get_docstring(child) is None and not is_declared:
            yield name
        if isinstance(child, ast.ClassDef):
            yield from _silent(child, f"{name}.")
