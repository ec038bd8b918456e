"""`make docs` builds a searchable site of docs/ that asks the network for nothing."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from chalicelib.config.settings import ROOT

pytestmark = pytest.mark.alone  # every night: tests/unit/docs finds broken links and missing pages sooner

FETCHED = re.compile(r"""<(?:script|link|img|iframe)\b[^>]*(?:src|href)=["']?(?:https?:)?//""")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as `make docs` builds it: any warning is an error."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    quiet = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=ROOT, env=quiet, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_every_page_can_be_found_by_search(site: Path) -> None:
    # GIVEN the index that the browser searches THEN it has a text of every page
    index = json.loads((site / "search" / "search_index.json").read_text(encoding="utf-8"))
    found = {each["location"].partition("#")[0] for each in index["docs"]}
    pages = {path.relative_to(ROOT / "docs").with_suffix(".html") for path in (ROOT / "docs").rglob("*.md")}
    assert found >= {str(page) for page in pages}
    assert any("soft TTL" in each["text"] for each in index["docs"])


def test_pages_load_nothing_from_elsewhere_and_no_source_code_is_published(site: Path) -> None:
    for page in site.rglob("*.html"):
        assert not FETCHED.search(page.read_text(encoding="utf-8")), page.name
    assert list(site.rglob("*.py")) == []
