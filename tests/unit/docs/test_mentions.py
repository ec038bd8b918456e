"""What the Markdown files mention is there: paths, modules, and names of the code."""

import re
import subprocess
from fnmatch import fnmatch
from pathlib import Path

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


def _is_path(word: str) -> bool:
    first, slash, _ = word.partition("/")
    is_ours = (slash and first in FOLDERS) or word.endswith((".py", ".md", ".yaml"))
    return bool(PATH.fullmatch(word) and is_ours) and not word.startswith(MADE)


def test_every_path_that_a_page_mentions_is_in_the_checkout() -> None:
    mentioned = {(name_of(page), word) for page in CURRENT for word in code_of(page) if _is_path(word)}
    assert not sorted((page, word) for page, word in mentioned if not _is_there(word))


def test_every_module_that_a_page_runs_is_there() -> None:
    texts = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    modules = {each.replace(".", "/") for each in re.findall(r"python -m ([a-z_]+(?:\.[a-z_]+)*)", texts)}
    ours = {each for each in modules if each.partition("/")[0] in FOLDERS}
    assert {each for each in ours if not {f"{each}.py", f"{each}/__main__.py"} & FILES} == set()


def test_every_name_that_a_page_mentions_is_in_the_code() -> None:
    # GIVEN every name in the repository's code and data, but for these tests
    code = [ROOT / name for name in LISTED if Path(name).suffix in TEXT and not name.startswith("tests/unit/docs/")]
    texts = (path.read_text(encoding="utf-8") for path in code if path.is_file())
    words = {word for text in texts for word in re.findall(r"\w+", text)}
    # WHEN a page has a name such as `Features.faults` and `REDIS_TOTAL`; STAGE, NAME and files are no names
    named = {
        (name_of(page), word)
        for page in CURRENT
        for word in code_of(page)
        if NAME.fullmatch(word) and not re.search(r"STAGE|NAME|\.(py|so)\b", word) and word not in OF_AWS
    }
    # THEN each of its parts is written somewhere in the repository
    assert not sorted((page, word) for page, word in named if not set(word.split(".")) <= words)
