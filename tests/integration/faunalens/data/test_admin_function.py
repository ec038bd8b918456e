"""The admin function: it runs a database command and returns its output."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from chalicelib.config.settings import ROOT
from faunalens.data.dataset import version_of
from faunalens.data.dataset_files import files_in


@pytest.fixture
def admin(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The function, with its environment on Lambda."""
    import app

    monkeypatch.setenv("DATABASE_URL", database_url)
    return lambda *command: json.loads(json.dumps(app.admin({"command": list(command)}, None)))


def test_a_command_runs_and_its_output_comes_back(admin: Any, model: Path) -> None:
    # WHEN data are loaded THEN the answer has the output of a terminal
    answer = admin("load", "--keep", "1", "--from", str(model))
    assert answer["code"] == 0, answer["said"]
    assert answer["said"].startswith(f"dataset {version_of(files_in(model))}\n")
    # AND a list shows it
    assert admin("list")["said"].rstrip().endswith("active")
    # BUT a failure comes back as a code and a sentence, and an unknown command with the usage
    answer = admin("activate", "nine")
    assert answer["code"] == 1
    assert answer["said"].startswith("error: dataset nine is not in the database")
    answer = admin("destroy")
    assert answer["code"] == 2
    assert "usage: python -m faunalens.data" in answer["said"]


@pytest.mark.parametrize(
    "event", [None, {}, [], "list", {"command": None}, {"command": "list"}, {"command": [1]}, {"Records": []}], ids=str
)
def test_an_event_without_a_command_runs_nothing(event: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import app

    # GIVEN a process whose own arguments would be a command
    monkeypatch.setattr("sys.argv", ["python -m faunalens.data", "list"])
    # WHEN the event has no command THEN the answer shows one that does
    answer = app.admin(event, None)
    assert answer["code"] == 2
    assert answer["said"].startswith(
        "error: the event has no command; send the arguments of `python -m faunalens.data`: {"
    )


def test_the_function_needs_nothing_of_what_makes_the_data() -> None:
    # GIVEN a process without the folder that the package leaves out WHEN a command runs
    program = (
        "import sys\n"
        "sys.modules['faunalens.data.maintain'] = None\n"
        "from faunalens.data.__main__ import run_event\n"
        "said = run_event({'command': ['explain', 'koala']})['said']\n"
        "print(said.splitlines()[0], *sorted({'duckdb', 'boto3'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    # THEN it works, and the libraries for occurrences and Athena are not imported
    assert done.stdout == "phascolarctos-cinereus\n"
