"""Lighthouse looks at the page as on a phone of the middle class with a slow line (its default: 1.6 Mbit/s, 150 ms)."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from chalicelib.config.settings import ROOT

FOLDER = ROOT / "tests/end_to_end/lighthouse"
CATEGORIES = ("performance", "accessibility", "best-practices", "seo")
LEAST = 0.95
USABLE = 2000.0
"""Milliseconds until the page can be used."""


@pytest.fixture(scope="module")
def lighthouse() -> Path:
    """The program, installed by npm as its lock file says."""
    npm = shutil.which("npm")
    assert npm, "npm was not found, which installs Lighthouse; get it with: apt-get install npm"
    program = FOLDER / "node_modules/.bin/lighthouse"
    if not program.exists():
        done = subprocess.run([npm, "ci", "--prefer-offline"], cwd=FOLDER, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    return program


@pytest.mark.alone
@pytest.mark.parametrize("language", ["en", "de"])
def test_a_phone_can_use_the_page_in_two_seconds(lighthouse: Path, app_url: str, tmp_path: Path, language: str) -> None:
    report = report_on(lighthouse, f"{app_url}?lang={language}", tmp_path / "report.json")
    scores = {name: report["categories"][name]["score"] for name in CATEGORIES}
    assert {name: score for name, score in scores.items() if score < LEAST} == {}, faults(report)
    assert report["audits"]["interactive"]["numericValue"] < USABLE
    asked = [each["url"] for each in report["audits"]["network-requests"]["details"]["items"]]
    of_app = re.compile(r"/web/(manifest|icon)-[^/]*$|^data:")  # browsers ask for these after all else
    assert len([url for url in asked if not of_app.search(url)]) <= 3


def report_on(lighthouse: Path, url: str, path: Path) -> dict[str, Any]:
    """Return Lighthouse's report on a page."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chromium-browser")
    assert chromium, "no Chromium was found, which Lighthouse drives; get it with: apt-get install chromium"
    flags = ["--quiet", "--chrome-flags=--headless --no-sandbox", "--output=json", f"--output-path={path}"]
    command = [str(lighthouse), url, *flags, f"--only-categories={','.join(CATEGORIES)}"]
    done = subprocess.run(
        command, env={**os.environ, "CHROME_PATH": chromium}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    report: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return report


def faults(report: dict[str, Any]) -> list[str]:
    """What is not perfect."""
    audits = report["audits"].values()
    return [f"{each['title']}: {each.get('displayValue', '')}" for each in audits if (each["score"] or 1) < 1]
