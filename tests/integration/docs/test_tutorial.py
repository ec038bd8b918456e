"""Every request of the tutorial works as it stands there, in its order."""

import json
import re
import shutil
import subprocess

import pytest

from chalicelib.config.settings import ROOT
from tests.integration.conftest import Served

TUTORIAL = (ROOT / "docs" / "start" / "first-identification.md").read_text(encoding="utf-8")
PHOTO = "IMG_1234.HEIC"  # the reader's own, which the test does not have


@pytest.mark.skipif(not shutil.which("curl"), reason="the tutorial's requests need curl")
def test_the_requests_of_the_tutorial_are_answered_as_it_says(served: Served) -> None:
    # GIVEN its lines of shell that ask the server, and the variables that they use
    lines = re.findall(r"^    ((?:CAT=|URL=|curl ).*)$", TUTORIAL, re.MULTILINE)
    asked = [line.replace("http://127.0.0.1:8000", f"http://127.0.0.1:{served.port}") for line in lines]
    # WHEN they are run, but for the one with the reader's photo
    own = next(line for line in asked if PHOTO in line)
    asked.remove(own)
    script = "\n".join(line.replace("curl ", "curl -sS -w '\\n' ", 1) for line in asked)
    done = subprocess.run(["sh", "-euc", script], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    # THEN each gives what the text says about it
    placed, nowhere, unplaced, sydney, panama, health = map(json.loads, done.stdout.splitlines())
    assert "domestic cat" in placed["message"]
    assert placed["features"]["mode"] == "narrowed"
    assert f'"animals":{placed["features"]["animals"]}' in TUTORIAL
    assert nowhere["code"] == "location_missing"
    assert unplaced["features"]["mode"] == "no_location"
    assert unplaced["prediction"]["score"] < placed["prediction"]["score"]
    for place, animals in ((sydney, {"koala", "echidna"}), (panama, {"jaguar", "toucan"})):
        assert animals <= {each["name"] for each in place["animals"]}
    assert {health[part]["state"] for part in ("model", "cache", "database")} == {"ok"}
