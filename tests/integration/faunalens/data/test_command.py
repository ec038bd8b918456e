"""`python -m faunalens.data` on real servers."""

import json
import os
import re
import socket
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg2
import pytest

from chalicelib.config.settings import ROOT
from chalicelib.config.stores import RedisSettings
from chalicelib.deadline import Deadline
from chalicelib.features.cache import ROLLOUT, Rollout
from chalicelib.stores.redis_cache import RedisCache
from faunalens.data.__main__ import main
from faunalens.data.dataset import version_of
from faunalens.data.dataset_files import FILES, files_in
from local.stack.ports import HOST
from local.stack.valkey import ValkeyServer
from tests.faults.proxy import Proxy
from tests.faults.rig import with_address
from tests.integration.faunalens.data import sample_data
from tests.integration.faunalens.data.conftest import Command
from tests.integration.faunalens.data.sample_data import KOALA, RANGES


def announced(valkey: ValkeyServer) -> Rollout:
    """Return what was announced to a cache last."""
    with closing(RedisCache.of(RedisSettings(5, 5, 5, url=valkey.url))) as cache:
        return Rollout.from_text(cache.read(ROLLOUT, Deadline.after(5)) or Rollout(0, "").to_text())


def test_load_switches_once_and_says_so_the_second_time(run: Command, valkey_server: ValkeyServer, model: Path) -> None:
    # GIVEN empty servers WHEN loaded
    version = version_of(files_in(model))
    assert run("load", "--from", model, "--redis-url", valkey_server.url) == 0
    # THEN each step is printed, with the number of animals without a range and some of their names
    head, warning, *_ = run.out.splitlines()
    assert head == f"dataset {version}"
    assert warning.startswith("warning: no range is stated for 7 wild or marine animals, so answers say that it is un")
    assert warning.endswith(" and 2 more")
    assert "rows in" in run.out
    assert run.out.endswith("announced to Redis\n")
    # AND the cache has the version
    assert announced(valkey_server).active == version
    # AND a second time nothing is done
    assert run("load", "--from", model) == 0
    assert "already active" in run.out


def test_another_models_animals_are_loaded_in_place_of_the_checkouts(
    run: Command, database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # GIVEN the labels and areas of another model, whose animals have numbers of their own
    (tmp_path / "labels.csv").write_text(
        "id,taxon,output_index,wnid,name,scientific_name,rank,kind,phylum,class,order,family,genus,species\n"
        "1,vulpes-vulpes,0,,red fox,Vulpes vulpes,species,wild,Chordata,Mammalia,,Canidae,Vulpes,Vulpes vulpes\n"
    )
    (tmp_path / "taxa.csv").write_text("scientific_name,rank,name\nAnimalia,kingdom,animal\n")
    (tmp_path / "ranges.csv").write_text(f"{RANGES}vulpes-vulpes,DE,,,,,curated,\n")
    # WHEN only the model that lies in the folder is named
    monkeypatch.setenv("MODEL_PATH", str(tmp_path / "own.onnx"))
    assert run("load") == 0, run.err
    # THEN these are the animals, and the checkout's are not
    assert "no range is stated" not in run.out
    with closing(psycopg2.connect(database_url)) as connection:
        query = "select animal, name from animal natural join dataset where active"
        assert sample_data.ask(connection, query) == [(1, "red fox")]


def test_faulty_data_are_one_sentence_that_does_not_blame_the_server(run: Command, model: Path) -> None:
    # GIVEN no file of a dataset, a character that PostgreSQL cannot store and no check finds, and an unknown area
    (model / "none").mkdir()
    assert run("load", "--from", model / "none") == 1
    assert "contains no file of a dataset; put at least one of labels.csv, taxa.csv" in run.err
    (model / "taxa.csv").write_text(FILES["taxa"].read_text(encoding="utf-8") + "Nihil,genus,no\0thing\n")
    assert run("load", "--from", model) == 1
    assert re.match(r"error: PostgreSQL rejected the data: invalid byte .*; correct the files\n$", run.err)
    (model / "ranges.csv").write_text(KOALA.replace("AU", "AU Queenslant"))
    assert run("load", "--from", model) == 1
    assert re.match(r"error: ranges\.csv, line 2, column 4 of areas: no area is called [^\n]*\n$", run.err)


def test_a_reader_that_has_read_enough_is_no_error(database_url: str) -> None:
    # GIVEN a dataset, and a reader of our output that has gone, as `head` does
    sample_data.load_all(database_url, "one")
    reading, writing = os.pipe()
    os.close(reading)
    # WHEN it is listed THEN the command ends without a word
    command = [sys.executable, "-m", "faunalens.data", "list", "--database-url", database_url]
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (1, "")


def test_a_dataset_is_put_on_trial_grows_and_is_taken_back(
    run: Command, database_url: str, valkey_server: ValkeyServer
) -> None:
    sample_data.load_all(database_url, "one", "two")
    redis = "--redis-url", valkey_server.url
    assert run("activate", "one", *redis) == 0
    assert run("list") == 0
    assert [(line.split()[0], line.endswith("active")) for line in run.out.splitlines()] == [
        ("two", False),
        ("one", True),
    ]
    # WHEN the other is compared, then answers for a part THEN each step says what it is, how to go on and how to end it
    steps = {
        ("--shadow",): "compared for 100% of the cells",
        ("--shadow", "--share", "2.5%"): "compared for 2.5% of the cells",
        ("--share", "10%"): "on trial for 10% of the cells",
    }
    for options, state in steps.items():
        assert run("activate", "two", *options, *redis) == 0
        assert run.out.splitlines() == [
            f"two: {state}",
            "to switch for all cells: python -m faunalens.data activate two; to end: python -m faunalens.data rollback",
            "announced to Redis",
        ]
        assert run("list") == 0
        assert run.out.splitlines()[0].endswith(state)
        rollout = announced(valkey_server)
        assert (rollout.candidate, rollout.in_shadow) == ("two", "--shadow" in options)
    # AND a rollback ends it everywhere
    assert run("rollback", *redis) == 0
    assert run.out == "active: one\nannounced to Redis\n"
    assert announced(valkey_server).candidate is None
    # AND only what is not active can go
    assert (run("drop", "two"), run("drop", "one")) == (0, 1)
    assert "error: dataset one is active; activate another" in run.err


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["activate", "two", "--share", "110%"], "expected a share such as 10% or 0.1"),
        (["list", "--patience", "nan"], "--patience"),
        (["load", "--redis-url", "cache.example.com:6379"], "argument --redis-url: expected a URL that begins with"),
    ],
)
def test_an_option_that_means_nothing_is_refused(
    arguments: list[str], error: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(arguments)
    assert error in capsys.readouterr().err


def test_a_page_in_no_folder_is_refused_before_anything_is_compared(run: Command, tmp_path: Path) -> None:
    assert run("compare", "one", "--html", tmp_path / "missing" / "page.html") == 1
    assert run.err.endswith("missing/page.html does not exist; create it, or give another file with --html\n")


def test_a_name_is_quoted_in_the_next_commands_and_stands_for_one_dataset(run: Command, model: Path) -> None:
    # GIVEN a dataset with a name of its own, loaded beside the active one
    load = "load", "--from", model, "--beside", "--version", "my own"
    assert run(*load) == 0
    assert "python -m faunalens.data activate 'my own'\n" in run.out
    assert "stays as it is" not in run.out
    # WHEN changed data are loaded under the same name THEN the command says that they are not
    (model / "ranges.csv").write_text(KOALA.replace("AU", "AU-NSW"))
    assert run(*load) == 0
    assert "warning: my own was loaded at " in run.out
    assert "for other data give another --version, or drop it first\n" in run.out


def test_an_interrupt_is_one_line(run: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_connection: object) -> list[object]:
        raise KeyboardInterrupt

    monkeypatch.setattr("faunalens.data.database.datasets", interrupted)
    assert run("list") == 130
    assert run.err == "\ninterrupted; run the same command again to continue\n"


@pytest.mark.parametrize("url", ["postgresql://faunalens@127.0.0.1:1/faunalens", "postgresql://me:hunter2[@host/x"])
def test_a_missing_database_is_one_sentence_without_the_password(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "--database-url", url]) == 1
    output = capsys.readouterr().err
    assert output.startswith("error: PostgreSQL: ")
    assert output.count("\n") == 1
    assert "check --database-url" in output
    assert "hunter2" not in output


def test_without_the_cache_the_switch_stays(run: Command, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1")
    sample_data.load_all(database_url, "one", "two")
    assert run("activate", "two") == run("activate", "one") == 1
    assert "the dataset is active, but the announcement to Redis failed (redis_unreachable" in run.err
    assert "run the same command again" in run.err
    assert run("drop", "one") == 1
    # BUT a second `rollback` would go back to the dataset that the first one left
    assert run("rollback") == 1
    assert run.out == "active: two\n"
    assert "activate that version again" in run.err


def test_a_switch_is_announced_to_the_cache_of_the_environment_unless_not_wanted(
    run: Command, database_url: str, valkey_server: ValkeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN an environment that names the cache, as on Lambda
    monkeypatch.setenv("REDIS_URL", valkey_server.url)
    sample_data.load_all(database_url, "one", "two")
    assert run("activate", "one") == 0
    assert run.out == "active: one\nannounced to Redis\n"
    assert run("activate", "two", "--redis-url", "") == 0
    assert run.out == "active: two\n"
    assert announced(valkey_server).active == "one"


def test_a_patience_below_a_second_is_not_endless() -> None:
    # GIVEN a server that accepts connections and never answers; libpq waits for ever at 0 whole seconds
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"postgresql://me:hunter2@127.0.0.1:{server.getsockname()[1]}/x"
        # WHEN the limit is half a second THEN it ends
        assert main(["list", "--patience", "0.5", "--database-url", url]) == 1


def test_a_slow_sign_in_is_waited_for_and_printed(
    database_url: str, valkey_server: ValkeyServer, capsys: pytest.CaptureFixture[str]
) -> None:
    sample_data.load_all(database_url, "one")
    # GIVEN stores that take longer to sign in than a request would wait
    ports = [urlsplit(url).port or 0 for url in (database_url, valkey_server.admin_url)]
    with Proxy.to(ports[0]) as postgres, Proxy.to(ports[1]) as redis:
        postgres.sign_in_slowly(1.2)
        redis.sign_in_slowly(1.2)
        urls = with_address(database_url, HOST, postgres.port), with_address(valkey_server.admin_url, HOST, redis.port)
        capsys.readouterr()
        # WHEN a command announces a version THEN it waits for both, and says how long the first took
        assert main(["activate", "one", "--database-url", urls[0], "--redis-url", urls[1]]) == 0
    output = capsys.readouterr().out
    assert re.match(r"signed in to PostgreSQL after 1\.\d s\n", output)
    assert output.endswith("announced to Redis\n")


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
    # THEN it works, and the libraries for occurrences are not imported
    assert done.stdout == "phascolarctos-cinereus\n"
