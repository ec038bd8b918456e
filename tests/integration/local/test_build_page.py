"""The committed bundle of the page: it is what its sources give, and only a changed page needs npm."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from chalicelib.config.settings import ROOT
from tests.integration.local.test_bootstrap import basic_commands, run_script

SCRIPT = ("local/build_page", "local/progress.sh")
BUNDLE = Path("chalicelib/web")
STAMP = Path("faunalens/web/page/bundle.cksum")
TABLES = (
    *(Path("chalicelib") / name for name in ("photo/formats.json", "api/sure.json")),
    *(Path("model") / name for name in ("relatives.csv", "families.csv", "taxa.csv", "packs/taxa.csv")),
)
NO_NPM = "npm was not found, which bundles the page; get it with: apt-get install npm"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with the page, its bundle and the script, without what npm has installed."""
    folder = tmp_path / "a checkout"
    shutil.copytree(
        ROOT / "faunalens/web/page", folder / "faunalens/web/page", ignore=shutil.ignore_patterns("node_modules")
    )
    shutil.copytree(ROOT / BUNDLE, folder / BUNDLE)
    for table in TABLES:
        (folder / table).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / table, folder / table)
    (folder / "local").mkdir()
    for name in SCRIPT:
        shutil.copy(ROOT / name, folder / name)
    return folder


@pytest.fixture
def without_npm(tmp_path: Path) -> str:
    """A PATH with the basic commands alone."""
    return str(basic_commands(tmp_path / "bin", "sh", "cat", "cksum", "dirname", "mkdir", "date", "sleep"))


def build_page(checkout: Path, path: str, **environment: str) -> subprocess.CompletedProcess[str]:
    ours = {name: value for name, value in os.environ.items() if name not in ("CI", "PATH")}
    return run_script(checkout, "build_page", path, **ours, **environment)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_committed_bundle_needs_no_npm(checkout: Path, without_npm: str) -> None:
    done = build_page(checkout, without_npm)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize(
    "changed",
    [
        "faunalens/web/page/src/words.js",
        "faunalens/web/page/areas.csv",
        "faunalens/web/page/package-lock.json",
        "chalicelib/web/en.html",
        "",
    ],
)
def test_a_change_or_a_missing_bundle_without_npm_says_what_to_install(
    checkout: Path, without_npm: str, changed: str
) -> None:
    if changed:
        with (checkout / changed).open("a") as file:
            file.write("\n")
    else:
        shutil.rmtree(checkout / BUNDLE)
    done = build_page(checkout, without_npm)
    assert done.returncode == 1
    assert re.search("npm was not found.*install Node.js", done.stderr.splitlines()[-1])


def test_continuous_integration_refuses_a_stale_bundle(checkout: Path) -> None:
    with (checkout / "faunalens/web/page/src/words.js").open("a") as file:
        file.write("// changed\n")
    before = contents(checkout / BUNDLE)
    done = build_page(checkout, os.environ["PATH"], CI="true")
    assert done.returncode == 1
    assert "run `make page` and commit" in done.stderr
    assert contents(checkout / BUNDLE) == before


def test_the_bundle_is_what_its_sources_give(checkout: Path) -> None:
    # GIVEN the committed sources without their bundle
    if shutil.which("npm") is None:
        if os.environ.get("CI"):
            pytest.fail(NO_NPM)
        pytest.skip(NO_NPM)
    shutil.rmtree(checkout / BUNDLE)
    stamp = (checkout / STAMP).read_text()
    (checkout / STAMP).unlink()
    # WHEN npm installs the bundler and it bundles them THEN the result is the committed bundle, byte for byte
    done = build_page(checkout, os.environ["PATH"])
    assert done.returncode == 0, done.stderr
    assert contents(checkout / BUNDLE) == contents(ROOT / BUNDLE)
    assert (checkout / STAMP).read_text() == stamp
    # WHEN the table has a format that browsers do not know THEN the page sends it, finds its files and names it
    row = {"name": "JPEG XL", "media_types": ["image/jxl"], "extensions": ["jxl"], "signature": r"\xff\x0a"}
    table = json.loads((checkout / TABLES[0]).read_text())
    (checkout / TABLES[0]).write_text(json.dumps([*table, {**row, "in_browsers": False}]))
    assert build_page(checkout, os.environ["PATH"]).returncode == 0
    (script,) = (checkout / BUNDLE).glob("app-*.js")
    html = (checkout / BUNDLE / "en.html").read_text()
    assert [part for part in ('"image/jxl"', r"|\xff\x0a)", "|jxl)$") if part not in script.read_text()] == []
    assert 'accept="image/*,.heic,.heif,.jxl"' in html
    assert "WebP, HEIC, TIFF or JPEG XL photo" in html


def test_the_lock_file_names_no_registry() -> None:
    assert "://" not in (ROOT / "faunalens/web/page/package-lock.json").read_text(encoding="utf-8")
