"""Every command of the tutorial about packs of one's own works as it stands there, in its order."""

import csv
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from chalicelib.config.settings import ROOT

pytestmark = pytest.mark.alone  # every night: tests/unit/faunalens/cli/training trains and uses a pack at every change

TUTORIAL = (ROOT / "docs" / "start" / "own-cameras.md").read_text(encoding="utf-8")
NOT_HERE = re.compile(r"^(?:make setup|uv tool|faunalens: )")
"""Lines that install the command or show its output."""
SAID = re.compile(r"not seen: ([\d.]+)% of (\d+) photos right; ([\d.]+)% named, and ([\d.]+)% of these right")


def test_the_commands_of_the_tutorial_train_a_pack_and_use_it(tmp_path: Path, cache_home: Path) -> None:
    # GIVEN its lines of shell, run in an empty folder beside the checkout's environment
    lines = [line.removeprefix("    ") for line in TUTORIAL.splitlines() if line.startswith("    ")]
    script = [line.replace(".venv/bin/python", "python") for line in lines if not NOT_HERE.match(line)]
    ours = f"PYTHONPATH={ROOT} XDG_CACHE_HOME={cache_home} {sys.executable}"
    functions = f'faunalens() {{ {ours} -m faunalens.cli "$@"; }}; python() {{ {ours} "$@"; }}'
    # WHEN they are run
    shell = ["sh", "-euc", "\n".join([functions, *script, "faunalens export trap.db --csv trap.csv"])]
    done = subprocess.run(shell, cwd=tmp_path, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    # THEN the pack is worth about what the text says, and has its card
    of_text, of_run = (SAID.search(text) for text in (TUTORIAL, done.stderr))
    assert of_text
    assert of_run
    assert [float(each) for each in of_run.groups()] == pytest.approx([float(each) for each in of_text.groups()], abs=6)
    assert "Model card: garden" in (tmp_path / "packs" / "garden.html").read_text(encoding="utf-8")
    # THEN it names what the detector finds
    with (tmp_path / "trap.csv").open(newline="") as file:
        named = Counter((row["path"].split("/")[0], row["scientific_name"]) for row in csv.DictReader(file))
    assert named["domestic cat", "Felis catus"] >= 3
    assert named["horse", "Equus caballus"] >= 3
