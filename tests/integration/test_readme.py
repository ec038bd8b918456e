"""The README claims nothing that a command does not show: its request gives its answer.

`GOLDEN=write python -m pytest tests/integration/test_readme.py` writes the message of the answer into it.
"""

import json
import os
import re
import shlex
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from chalicelib.config.settings import ROOT
from tests.integration.conftest import Served

PATH = ROOT / "README.md"
README = PATH.read_text(encoding="utf-8")
VARY = {"timings_ms", "request_id"}  # of every request; `cache` besides


def shape(value: Any) -> Any:
    """Keys and types, without values."""
    if isinstance(value, dict):
        return {key: shape(each) for key, each in value.items()}
    return [shape(each) for each in value] if isinstance(value, list) else type(value)


def test_the_request_in_the_readme_gives_the_answer_in_the_readme(served: Served) -> None:
    # GIVEN the README's curl line and the answer below it
    (command,) = re.findall(r"^    (curl .*\n.*)$", README, re.MULTILINE)
    (answer,) = re.findall(r"```json\n(.*?)```", README, re.DOTALL)
    words, expected = shlex.split(command.replace("\\\n", " ")), json.loads(answer)
    photo = (ROOT / words[words.index("--data-binary") + 1].removeprefix("@")).read_bytes()
    content_type = words[words.index("-H") + 1].removeprefix("Content-Type: ")
    # WHEN that request is sent
    found = served.identify(photo, dict(parse_qsl(urlsplit(words[-1]).query)), content_type).json
    if os.environ.get("GOLDEN") == "write":
        PATH.write_text(README.replace(json.dumps(expected["message"]), json.dumps(found["message"])), encoding="utf-8")
    # THEN its answer is that answer, to the rounding of another processor
    assert shape(found) == shape(expected)
    assert found["prediction"] == {
        **expected["prediction"],
        "score": pytest.approx(expected["prediction"]["score"], abs=0.01),
    }
    assert [each["name"] for each in found["candidates"]] == [each["name"] for each in expected["candidates"]]
    found["features"].pop("cache"), expected["features"].pop("cache")
    for key in expected.keys() - VARY - {"prediction", "candidates", "animal_probability"}:
        assert found[key] == expected[key], f"the README shows another {key}"
