"""Every command of the tutorial about packs of one's own works as it stands there, in its order."""

import csv
import re
from collections import Counter
from pathlib import Path

import pytest

from chalicelib.config.settings import ROOT
from tests.integration.docs.tutorial import run

pytestmark = pytest.mark.alone  # every night: tests/unit/faunalens/cli/training trains and uses a pack at every change

TUTORIAL = (ROOT / "docs" / "start" / "own-cameras.md").read_text(encoding="utf-8")
NOT_HERE = re.compile(r"^(?:make setup|uv tool|faunalens: )")
"""Lines that install the command or show its output."""
SAID = re.compile(r"not seen: ([\d.]+)% of (\d+) photos right; ([\d.]+)% named, and ([\d.]+)% of these right")


def test_the_commands_of_the_tutorial_train_a_pack_and_use_it(tmp_path: Path, cache_home: Path) -> None:
    # WHEN its lines of shell are run
    printed = run(TUTORIAL, NOT_HERE, tmp_path, cache_home, "faunalens export trap.db --csv trap.csv")
    # THEN the pack is worth about what the text says, and has its card
    of_text, of_run = (SAID.search(text) for text in (TUTORIAL, printed))
    assert of_text
    assert of_run
    assert [float(each) for each in of_run.groups()] == pytest.approx([float(each) for each in of_text.groups()], abs=6)
    assert "Model card: garden" in (tmp_path / "packs" / "garden.html").read_text(encoding="utf-8")
    # THEN it names what the detector finds
    with (tmp_path / "trap.csv").open(newline="") as file:
        named = Counter((row["path"].split("/")[0], row["scientific_name"]) for row in csv.DictReader(file))
    assert named["domestic cat", "Felis catus"] >= 3
    assert named["horse", "Equus caballus"] >= 3
