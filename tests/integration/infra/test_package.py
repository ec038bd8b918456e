"""The real package, built with Chalice's own command: sizes, contents, and that Lambda can run it."""

import ast
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from elftools.elf.dynamic import DynamicSegment
from elftools.elf.elffile import ELFFile
from elftools.elf.gnuversions import GNUVerNeedSection

from chalicelib.config.settings import ROOT
from infra.image.root import MODEL_TABLES
from infra.package import Package, archive, build, dependencies, packager
from tests.support.pictures import encoded, scene

SITE = packager.SITE
NEWEST = {"GLIBC": dependencies.GLIBC, "GLIBCXX": (3, 4, 29), "CXXABI": (1, 3, 13), "GCC": (12, 0)}
"""Versions on Amazon Linux 2023: its glibc, and libstdc++ and libgcc of its GCC 11."""
THERE = re.compile(r"(libc|libm|libdl|librt|libpthread|libresolv|libstdc\+\+|libgcc_s|libz|ld-linux-x86-64)\.so\.\d+")
"""Libraries that wheels may rely on (https://peps.python.org/pep-0600/, and auditwheel's list for manylinux_2_34)."""
ELSEWHERE = {"boto3", "botocore", "aws_embedded_metrics"}
"""Packages of Lambda's runtime, and the one that chalicelib.telemetry.emf imports in its own way."""
LINES = re.compile(r"^([a-z0-9-]+)==([^ ;\\]+)", re.MULTILINE)


def entries(*zips: Path) -> dict[str, bytes]:
    """Return all files of zips by name; names in the layer are relative to site-packages."""
    found: dict[str, bytes] = {}
    for path in zips:
        with zipfile.ZipFile(path) as opened:
            found |= {name.removeprefix(SITE): opened.read(name) for name in opened.namelist()}
    return found


@pytest.fixture(scope="module")
def layer(package: Package) -> dict[str, bytes]:
    return entries(package.layer)


@pytest.fixture(scope="module")
def function(package: Package) -> dict[str, bytes]:
    return entries(package.function)


@pytest.fixture(scope="module")
def wheels_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The dependencies as their wheels bring them."""
    folder = tmp_path_factory.mktemp("wheels")
    dependencies.fetch(ROOT / "requirements.txt", folder)
    return folder


def test_the_function_holds_the_app_and_nothing_else(function: dict[str, bytes]) -> None:
    # GIVEN the app's own files
    files = [path for path in (ROOT / "chalicelib").rglob("*") if path.is_file()]
    own = [path for path in files if "__pycache__" not in path.parts and not path.name.startswith(".")]
    expected = {path.relative_to(ROOT).as_posix(): path.read_bytes() for path in [ROOT / "app.py", *own]}
    assert {"chalicelib/places.csv", "chalicelib/web/en.html"} <= expected.keys()
    # THEN the function has them, and the two files of Chalice that it needs, beside what is vendored
    vendored = ("model/", "faunalens/")
    sources = {name: text for name, text in function.items() if not name.endswith(".pyc")}
    sources = {name: text for name, text in sources.items() if not name.startswith(vendored)}
    assert sources.keys() - expected.keys() == {"chalice/__init__.py", "chalice/app.py"}
    # AND what makes the data is left out
    assert "faunalens/data/load.py" in function
    assert not any(name.startswith("faunalens/data/maintain") for name in function)
    assert {name: text for name, text in sources.items() if name in expected} == expected


def test_the_layer_holds_every_pinned_dependency_but_those_cut(layer: dict[str, bytes]) -> None:
    pinned = dict(LINES.findall((ROOT / "requirements.txt").read_text(encoding="utf-8")))
    metadata = "\n".join(text.decode() for name, text in layer.items() if name.endswith(".dist-info/METADATA"))
    names = [name.lower().replace("_", "-") for name in re.findall(r"^Name: (.*)$", metadata, re.MULTILINE)]
    packed = dict(zip(names, re.findall(r"^Version: (.*)$", metadata, re.MULTILINE), strict=True))
    patterns = [pattern for each in dependencies.EXCLUSIONS for pattern in each.patterns]
    left_out = {pattern.removesuffix("-*") for pattern in patterns if pattern.endswith("-*")}
    assert packed == {name: version for name, version in pinned.items() if name not in left_out}


def test_the_function_holds_the_model_and_no_development_files_are_packed(
    function: dict[str, bytes], layer: dict[str, bytes]
) -> None:
    found = {name: text for name, text in function.items() if name.startswith("model/")}
    paths = [ROOT / "model" / name for name in ("faunalens.onnx", *MODEL_TABLES)]
    paths += [path for path in (ROOT / "model" / "packs").iterdir() if not path.name.startswith(".")]
    assert found == {str(path.relative_to(ROOT)): path.read_bytes() for path in paths}
    assert not [name for name in (*function, *layer) if re.search(r"(^|/)tests?/|\.(pyi|pyx|pxd|c|h|a)$", name)]


def test_every_module_has_bytecode_that_python_takes(function: dict[str, bytes], layer: dict[str, bytes]) -> None:
    for packed in (function, layer):
        for name in (name for name in packed if name.endswith(".py")):
            folder, _, module = name.rpartition("/")
            code = packed[f"{folder}/__pycache__/{module}c".lstrip("/").replace(".pyc", ".cpython-313.pyc")]
            assert code[4:8] == b"\1\0\0\0", f"{name}: bytecode that is compared with its source"


def libraries(layer: dict[str, bytes]) -> Iterator[tuple[str, ELFFile]]:
    for name, text in layer.items():
        if text.startswith(b"\x7fELF"):
            yield name, ELFFile(BytesIO(text))


def test_libraries_need_no_newer_system_than_lambdas(layer: dict[str, bytes]) -> None:
    for name, elf in libraries(layer):
        assert elf.get_machine_arch() == "x64", name
        for section in elf.iter_sections():
            if isinstance(section, GNUVerNeedSection):
                for _, versions in section.iter_versions():
                    for version in versions:
                        kind, _, number = version.name.partition("_")
                        if kind in NEWEST and number[0].isdigit():
                            assert tuple(map(int, number.split("."))) <= NEWEST[kind], f"{name} needs {version.name}"


def test_linked_libraries_are_packed_and_no_others(layer: dict[str, bytes]) -> None:
    # GIVEN the packed libraries, and those that each links
    packed = {name.rpartition("/")[2] for name, _ in libraries(layer)}
    linked = {name: set(_linked(elf)) for name, elf in libraries(layer)}
    assert len(linked) > 50
    # THEN each linked library is packed too, or is part of Lambda's system
    for name, needed in linked.items():
        assert not {other for other in needed - packed if not THERE.fullmatch(other)}, name
    # AND another library links each library that a wheel bundles
    brought = {name.rpartition("/")[2] for name in linked if ".libs/" in name}
    assert brought <= set().union(*linked.values())


def _linked(elf: ELFFile) -> Iterator[str]:
    for segment in elf.iter_segments("PT_DYNAMIC"):
        assert isinstance(segment, DynamicSegment)
        yield from (tag.needed for tag in segment.iter_tags("DT_NEEDED"))  # type: ignore[attr-defined]


def test_no_gpl_code_is_packed(layer: dict[str, bytes]) -> None:
    # GIVEN pillow-heif, whose wheel contains the encoder x265 (GPL 2)
    assert any(name.startswith("pillow_heif.libs/libheif-") for name in layer)
    # THEN x265 is not in the package, under no name, and no library needs it
    assert not [name for name, text in layer.items() if "libx265" in name or b"(c) Multicoreware, Inc" in text]
    for name, elf in libraries(layer):
        assert not [other for other in _linked(elf) if "x265" in other], name
    # AND every bundled library has a documented licence, which is not the GPL
    notice = (ROOT / "NOTICE").read_text(encoding="utf-8").partition("Libraries inside the wheels")[2]
    rows = re.findall(r"^    (lib[a-zA-Z].*?): (.+)$", notice, re.MULTILINE)
    licences = {library: licence for names, licence in rows for library in names.split(", ")}
    bundled = {name.rpartition("/")[2].partition(".")[0].rpartition("-")[0] for name in layer if ".libs/lib" in name}
    assert bundled == licences.keys()
    assert not [library for library, licence in licences.items() if licence.startswith("GPL")]
    # AND the LGPL accompanies its libraries, with what was changed in them
    for name, title in (("LGPL-3.0", "GNU LESSER GENERAL PUBLIC LICENSE"), ("GPL-3.0", "GNU GENERAL PUBLIC LICENSE")):
        assert title in layer[f"pillow_heif.libs/{name}.txt"].decode().splitlines()[0]
    changed = layer["pillow_heif.libs/CHANGED.txt"].decode()
    assert re.search(r"^libheif-\w+\.so\.[0-9.]+ was changed", changed)


def imported(tree: ast.Module) -> Iterator[str]:
    """Yield the modules that a module imports anywhere, except for type checking."""
    typing = {
        id(node)
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and ast.unparse(block.test) in ("TYPE_CHECKING", "'chalice.cli' in sys.modules")
        for node in ast.walk(block)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import) and id(node) not in typing:
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and id(node) not in typing:
            yield node.module or ""


IN_PACKAGE = """
import sys, importlib
sys.path[:] = ["task", "opt/python/lib/python3.13/site-packages", *(p for p in sys.path if "-packages" not in p)]
from chalicelib.config.settings import PhotoLimits
from chalicelib.photo.photos import open_photo
print(open_photo(open(sys.argv[1], "rb").read(), PhotoLimits(10**8, 100)).pixels(64).shape)
import app
for name in sys.argv[2:]:
    importlib.import_module(name)
from chalicelib.api.health import health_of
from chalicelib.telemetry import emf
emf.library()
services = app.application.services()
print(health_of(services, "1", deep=False)["model"]["state"], len(services.recogniser.models.taxonomy.animals))
print(*sorted({getattr(module, "__file__", None) or "" for module in sys.modules.values()}))
"""


def test_all_imports_of_the_app_come_from_the_package(package: Package, tmp_path: Path) -> None:
    # GIVEN the unpacked zips
    for path, name in ((package.function, "task"), (package.layer, "opt")):
        with zipfile.ZipFile(path) as opened:
            opened.extractall(tmp_path / name)
    task = tmp_path / "task"
    own = [task / "app.py", *sorted((task / "chalicelib").rglob("*.py"))]
    names = {name for path in own for name in imported(ast.parse(path.read_text(encoding="utf-8")))}
    names |= {".".join(path.relative_to(task).with_suffix("").parts) for path in own[1:] if path.stem != "__init__"}
    assert {"onnxruntime", "redis", "psycopg2", "h3.api.basic_int"} & names
    (tmp_path / "photo.heic").write_bytes(encoded(scene(), "HEIF"))
    # WHEN it imports every module of the app's imports, reads a HEIC photo and loads the model
    wanted = sorted(name for name in names if name.partition(".")[0] not in ELSEWHERE)
    command = [sys.executable, "-I", "-S", "-B", "-c", IN_PACKAGE, "photo.heic", *wanted]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    # THEN it works, and no module came from elsewhere
    shape, model, files = done.stdout.splitlines()
    assert (shape, model) == ("(64, 64, 3)", "ok 398")
    assert not [name for name in files.split() if "-packages" in name and not name.startswith(str(tmp_path))]


def test_make_package_prints_what_is_uploaded(package: Package, tmp_path: Path) -> None:
    # WHEN the command of `make package` runs
    command = [sys.executable, "-m", "infra.package", "--out", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    # THEN it prints the sizes of the same zips, part by part
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in done.stdout.splitlines() if "|" in line]
    sizes = {row[0]: row[1] for row in rows}
    assert re.search(r"it may have 4\d\.\d\d MB and 1\d\d\.\d\d MB", done.stdout)
    assert sizes["layer, zipped"] == f"{package.layer.stat().st_size / 1e6:.2f}"
    assert {"numpy", "onnxruntime", "model", "faunalens", "pillow-heif"} <= sizes.keys()
    assert float(sizes["in all"]) == pytest.approx(package.zipped / 1e6, abs=0.01)
    # AND Lambda takes them
    assert max(package.function.stat().st_size, package.layer.stat().st_size) < archive.LIMIT
    assert package.unpacked < archive.UNPACKED_LIMIT


DEPLOYED = ("app.py", "chalicelib", "vendor", "model", "faunalens", "infra", "docs", ".chalice", "requirements.txt")
"""Everything that building a package reads."""

_IGNORED = ("__pycache__", "deployed", "deployments", "images")


def copy_to(folder: Path) -> Path:
    """Copy the files that a package needs, and symbolic links as links. Return the folder."""
    folder.mkdir(parents=True)
    for name in DEPLOYED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, symlinks=True, ignore=shutil.ignore_patterns(*_IGNORED))
        else:
            shutil.copy(source, folder / name)
    return folder


@pytest.mark.alone  # installs all wheels, or zips 100 MB
def test_another_checkout_makes_the_same_bytes(package: Package, tmp_path: Path) -> None:
    # GIVEN the same files in another folder WHEN they are packed for another stage
    other = build(tmp_path / "out", "prod", copy_to(tmp_path / "checkout"))
    # THEN the zips are identical, so that a deployment uploads nothing new
    assert other.function.read_bytes() == package.function.read_bytes()
    assert other.layer.read_bytes() == package.layer.read_bytes()


@pytest.mark.alone  # installs all wheels, or zips 100 MB
def test_every_exclusion_still_removes_files(wheels_site: Path) -> None:
    removed = set[Path]()
    for exclusion in dependencies.EXCLUSIONS:
        paths = exclusion.matches(wheels_site)
        found = {file for path in paths for file in ([path] if path.is_file() else archive.files(path))}
        assert found - removed, exclusion.name
        removed |= found
