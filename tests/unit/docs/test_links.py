"""Every link between the Markdown files leads somewhere, anchors included; every path that they mention exists."""

import re
import subprocess
from fnmatch import fnmatch
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from chalicelib.config.settings import ROOT
from docs.repository_links import rewrite
from tests.unit.docs.pages import PAGES, anchors_of, code_of, links_of

PATH = re.compile(r"\.?[\w-]+(?:/[\w.*{}…-]+)*/?")
MADE = ("build/", ".local/", ".tools/", ".venv/", ".chalice/deployed/", ".chalice/deployments", "my/")
"""Folders that commands make, or that readers do."""
ABSENT = {"model/faunalens.onnx", "dashboards/query_only.csv"}
"""Files that commands make, or that contributors may."""


def _names(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _files() -> set[str]:
    """Return every file of the repository, and every folder that has one."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    files = [Path(name) for name in listed.stdout.splitlines()]
    return {str(each) for file in files for each in (file, *file.parents)}


FILES = _files()
FOLDERS = {name.split("/")[0] for name in FILES if "/" in name}


def _is_there(name: str) -> bool:
    """Whether a path that a page mentions is in the checkout; STAGE, NAME and the like stand for any name."""
    pattern = re.sub(r"\b[A-Z][A-Z_]+\b", "*", name.rstrip("/")) if "README" not in name else name
    return pattern in FILES or any(fnmatch(file, pattern) or fnmatch(file, f"*/{pattern}") for file in FILES)


@pytest.mark.parametrize("page", PAGES, ids=_names)
def test_every_link_leads_somewhere(page: Path) -> None:
    for link in links_of(page):
        url = urlsplit(link)
        if url.scheme or url.netloc:
            continue
        target = page.parent / unquote(url.path) if url.path else page
        assert target.exists(), f"{_names(page)} links to {link}, which is not there"
        if url.fragment and target.suffix == ".md":
            anchor = unquote(url.fragment)
            assert anchor in anchors_of(target.resolve()), f"{_names(page)} links to {link}: no such heading"


@pytest.mark.parametrize("page", [page for page in PAGES if page.name != "CHANGELOG.md"], ids=_names)
def test_every_path_that_a_page_mentions_is_in_the_checkout(page: Path) -> None:
    for word in code_of(page):
        first, slash, _ = word.partition("/")
        is_path = PATH.fullmatch(word) and ((slash and first in FOLDERS) or word.endswith((".py", ".md", ".yaml")))
        if is_path and not word.startswith(MADE) and word not in ABSENT:
            assert _is_there(word), f"{_names(page)} mentions `{word}`, which is not there"


@pytest.mark.parametrize("page", PAGES, ids=_names)
def test_every_module_that_a_page_runs_is_there(page: Path) -> None:
    for module in re.findall(r"python -m ([a-z_]+(?:\.[a-z_]+)*)", page.read_text(encoding="utf-8")):
        path = ROOT / module.replace(".", "/")
        if path.parts[len(ROOT.parts)] in FOLDERS:
            assert path.with_suffix(".py").exists() or (path / "__main__.py").exists(), f"{_names(page)}: {module}"


@pytest.mark.parametrize(
    ("base", "expected"),
    [
        ("https://example.org/blob/HEAD/", "see [the stack](https://example.org/blob/HEAD/infra/faunalens.yaml)"),
        ("", "see the stack (`infra/faunalens.yaml`)"),
    ],
)
def test_a_link_out_of_docs_leads_to_the_repository(base: str, expected: str) -> None:
    # GIVEN a page that links to a file of the repository, and to another page
    text = "see [the stack](../../infra/faunalens.yaml)"
    # THEN the site's link leads to the repository's page, or there is the path; links between pages stay
    assert rewrite(text, "reference", base) == expected
    assert rewrite("[`infra/up.py`](../../infra/up.py)", "reference", "") == "`infra/up.py`"
    assert rewrite("[model](../how-to/model.md#a)", "reference", base) == "[model](../how-to/model.md#a)"
    assert rewrite("![page](../../page.png)", "reference", base) == "![page](../../page.png)"
