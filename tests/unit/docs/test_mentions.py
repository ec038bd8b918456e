"""What the Markdown files mention is there: paths, modules, and names of the code."""

import re
import subprocess
from fnmatch import fnmatch
from pathlib import Path

import pytest

from chalicelib.config.settings import ROOT
from tests.unit.docs.pages import PAGES, code_of, name_of

PATH = re.compile(r"\.?[\w-]+(?:/[\w.*{}…-]+)*/?")
MADE = ("model/faunalens.onnx", "model/offline/", "build/", ".local/", ".tools/", ".venv/", ".chalice/deploy", "my/")
"""What commands make, or readers do."""
NAME = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*")
OF_AWS = {"log_retention_in_days", "wafv2"}
"""Names of AWS and Chalice that the code does not use."""
TEXT = {".py", ".json", ".yaml", ".yml", ".js", ".csv", ".sql", ".toml", ".in", ".txt", ""}
CURRENT = [page for page in PAGES if page.name != "CHANGELOG.md"]
LISTED = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
FILES = {str(each) for name in LISTED for each in (Path(name), *Path(name).parents)}
"""Every file of the repository, and every folder that has one."""
FOLDERS = {name.split("/")[0] for name in FILES if "/" in name}


def _is_there(name: str) -> bool:
    """Whether a path that a page mentions is in the checkout; STAGE, NAME and the like stand for any name."""
    pattern = re.sub(r"\b[A-Z][A-Z_]+\b", "*", name.rstrip("/")) if "README" not in name else name
    return pattern in FILES or any(fnmatch(file, pattern) or fnmatch(file, f"*/{pattern}") for file in FILES)


@pytest.mark.parametrize("page", CURRENT, ids=name_of)
def test_every_path_that_a_page_mentions_is_in_the_checkout(page: Path) -> None:
    for word in code_of(page):
        first, slash, _ = word.partition("/")
        is_path = PATH.fullmatch(word) and ((slash and first in FOLDERS) or word.endswith((".py", ".md", ".yaml")))
        if is_path and not word.startswith(MADE):
            assert _is_there(word), f"{name_of(page)} mentions `{word}`, which is not there"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_module_that_a_page_runs_is_there(page: Path) -> None:
    for module in re.findall(r"python -m ([a-z_]+(?:\.[a-z_]+)*)", page.read_text(encoding="utf-8")):
        path = ROOT / module.replace(".", "/")
        if path.parts[len(ROOT.parts)] in FOLDERS:
            assert path.with_suffix(".py").exists() or (path / "__main__.py").exists(), f"{name_of(page)}: {module}"


@pytest.fixture(scope="module")
def words() -> set[str]:
    """Every name in the repository's code and data, but for these tests."""
    code = [ROOT / name for name in LISTED if Path(name).suffix in TEXT and not name.startswith("tests/unit/docs/")]
    return {word for path in code if path.is_file() for word in re.findall(r"\w+", path.read_text(encoding="utf-8"))}


@pytest.mark.parametrize("page", CURRENT, ids=name_of)
def test_every_name_that_a_page_mentions_is_in_the_code(page: Path, words: set[str]) -> None:
    # GIVEN names such as `Features.faults` and `REDIS_TOTAL`; STAGE, NAME and files are no names
    names = {word for word in code_of(page) if NAME.fullmatch(word) and not re.search(r"STAGE|NAME|\.(py|so)\b", word)}
    # THEN each of their parts is written somewhere in the repository
    unknown = {name for name in names - OF_AWS if not set(name.split(".")) <= words}
    assert not unknown, f"{name_of(page)} mentions {', '.join(sorted(unknown))}, which the code does not"
