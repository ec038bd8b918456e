"""Every command of the tutorial about memory cards works as it stands there, in its order."""

import csv
import json
import re
import subprocess
import sys
from pathlib import Path

from chalicelib.config.settings import ROOT

TUTORIAL = (ROOT / "docs" / "start" / "memory-card.md").read_text(encoding="utf-8")
NOT_HERE = re.compile(r"^(?:make setup|uv tool|faunalens --help|faunalens: |faunalens review)")
"""Lines that install the command, that show its output, or that wait for a person."""


def test_the_commands_of_the_tutorial_make_what_it_says(tmp_path: Path) -> None:
    # GIVEN its lines of shell, run in an empty folder beside the checkout's environment
    lines = [line.removeprefix("    ") for line in TUTORIAL.splitlines() if line.startswith("    ")]
    script = [line for line in lines if not NOT_HERE.match(line)]
    (tmp_path / ".venv").symlink_to(ROOT / ".venv")
    command = f'faunalens() {{ PYTHONPATH={ROOT} XDG_CACHE_HOME={tmp_path} {sys.executable} -m cli "$@"; }}'
    # WHEN they are run
    done = subprocess.run(
        ["sh", "-euc", "\n".join([command, *script])],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    # THEN the summary is that of the text, and the exports are there
    said = next(line for line in lines if line.startswith("faunalens: "))
    assert said in done.stderr
    package = json.loads((tmp_path / "package" / "datapackage.json").read_text())
    assert (package["title"], package["coordinatePrecision"]) == ("Cats of a garden", 0.1)
    with (tmp_path / "photos.csv").open(newline="") as file:
        rows = {row["path"]: row for row in csv.DictReader(file)}
    assert rows["north/IMG_0001.png"]["scientific_name"] == "Felis catus"
    assert rows["north/IMG_0001.png"]["event"] == rows["north/IMG_0002.png"]["event"]
    assert rows["north/IMG_0001.png"]["time"].startswith("2026-05-02T")
    assert (tmp_path / "study.html").stat().st_size > 1_000_000
