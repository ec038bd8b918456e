"""`python -m database` on real servers."""

import os
import re
import socket
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import psycopg2
import pytest

from chalicelib.config.stores import RedisSettings
from chalicelib.features.cache import ROLLOUT
from chalicelib.features.deadline import Deadline
from chalicelib.features.rollout import Rollout
from chalicelib.stores.redis_cache import RedisCache
from database.__main__ import main
from database.dataset import version_of
from database.dataset_files import FILES, files_in
from local.stack.ports import HOST
from local.stack.valkey import ValkeyServer
from tests.faults.proxy import Proxy
from tests.faults.rig import with_address
from tests.integration.database import sample_data
from tests.integration.database.sample_data import RANGES


def test_load_switches_once_and_says_so_the_second_time(
    database_url: str, valkey_server: ValkeyServer, capsys: pytest.CaptureFixture[str], model: Path
) -> None:
    # GIVEN empty servers WHEN loaded
    version = version_of(files_in(model))
    load_command = ["load", "--from", str(model), "--database-url", database_url]
    assert main([*load_command, "--redis-url", valkey_server.url]) == 0
    first = capsys.readouterr().out
    # THEN each step is printed, and the cache has the version
    assert first.startswith(f"dataset {version}\n")
    assert "rows in" in first
    assert first.endswith("announced to Redis\n")
    with closing(RedisCache.of(RedisSettings(5, 5, 5, url=valkey_server.url))) as cache:
        assert Rollout.from_text(cache.read(ROLLOUT, Deadline.after(5)) or b"").active == version
    # AND a second time nothing is done
    assert main(load_command) == 0
    assert "already active" in capsys.readouterr().out


@pytest.mark.parametrize("source", ["--from", "MODEL_PATH"])
def test_another_models_animals_are_loaded_in_place_of_the_checkouts(
    database_url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, source: str
) -> None:
    # GIVEN the labels and areas of another model, whose animals have numbers of their own
    (tmp_path / "labels.csv").write_text(
        "id,taxon,output_index,wnid,name,scientific_name,rank,kind,phylum,class,order,family,genus,species\n"
        "1,vulpes-vulpes,0,,red fox,Vulpes vulpes,species,wild,Chordata,Mammalia,,Canidae,Vulpes,Vulpes vulpes\n"
    )
    (tmp_path / "taxa.csv").write_text("scientific_name,rank,name\nAnimalia,kingdom,animal\n")
    (tmp_path / "ranges.csv").write_text(f"{RANGES}vulpes-vulpes,DE,,,,,curated,\n")
    # WHEN the folder is named, or only the model that lies in it
    if source == "MODEL_PATH":
        monkeypatch.setenv("MODEL_PATH", str(tmp_path / "own.onnx"))
    arguments = ["--from", str(tmp_path)] if source == "--from" else []
    assert main(["load", *arguments, "--database-url", database_url]) == 0, capsys.readouterr().err
    # THEN these are the animals, and the checkout's are not
    assert "no range is stated" not in capsys.readouterr().out
    with closing(psycopg2.connect(database_url)) as connection, connection.cursor() as cursor:
        cursor.execute("select animal, name from animal natural join dataset where active")
        assert cursor.fetchall() == [(1, "red fox")]


def test_animals_without_a_range_are_named(database_url: str, capsys: pytest.CaptureFixture[str], model: Path) -> None:
    # GIVEN the range of one animal WHEN loaded THEN it works, and says how many have none, with some of their names
    assert main(["load", "--from", str(model), "--database-url", database_url]) == 0
    output = capsys.readouterr().out.splitlines()
    assert output[1].startswith(
        "warning: no range is stated for 7 wild or marine animals, so answers say that it is unknown "
    )
    assert output[1].endswith(" and 2 more")


def test_an_unknown_area_is_refused(database_url: str, capsys: pytest.CaptureFixture[str], model: Path) -> None:
    (model / "ranges.csv").write_text(sample_data.KOALA.replace("AU", "AU Queenslant"))
    assert main(["load", "--from", str(model), "--database-url", database_url]) == 1
    output = capsys.readouterr()
    assert output.err.startswith("error: ranges.csv, line 2, column 4 of areas: no area is called 'Queenslant'; ")
    assert output.out == ""


def test_a_folder_without_any_file_of_a_dataset_is_an_error(
    database_url: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["load", "--from", str(tmp_path), "--database-url", database_url]) == 1
    assert "contains no file of a dataset; put at least one of labels.csv, taxa.csv" in capsys.readouterr().err


def test_data_that_postgresql_rejects_are_reported_as_such(
    database_url: str, capsys: pytest.CaptureFixture[str], model: Path
) -> None:
    # GIVEN a character that PostgreSQL cannot store, and that no check looks for
    taxa = FILES["taxa"].read_text(encoding="utf-8")
    (model / "taxa.csv").write_text(f"{taxa}Nihil,genus,no\0thing\n", encoding="utf-8")
    # WHEN loaded THEN the error is one sentence, which does not blame the server
    assert main(["load", "--from", str(model), "--database-url", database_url]) == 1
    output = capsys.readouterr().err
    assert output.startswith("error: PostgreSQL rejected the data: invalid byte sequence")
    assert output.endswith("; nothing was changed; correct the files\n")


def test_list_activate_and_drop(database_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    sample_data.load_all(database_url, "one", "two")
    run = ["--database-url", database_url]
    assert main(["activate", "one", *run]) == 0
    assert main(["list", *run]) == 0
    output = capsys.readouterr().out.splitlines()
    assert output[0] == "active: one"
    assert [line.split()[0] for line in output[1:]] == ["two", "one"]
    assert [line.endswith("active") for line in output[1:]] == [False, True]
    assert main(["drop", "two", *run]) == 0
    assert main(["drop", "one", *run]) == 1
    assert "error: dataset one is active; activate another" in capsys.readouterr().err


def test_a_reader_that_has_read_enough_is_no_error(database_url: str) -> None:
    # GIVEN a dataset, and a reader of our output that has gone, as `head` does
    sample_data.load_all(database_url, "one")
    reading, writing = os.pipe()
    os.close(reading)
    # WHEN it is listed
    command = [sys.executable, "-m", "database", "list", "--database-url", database_url]
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writing)
    # THEN the command ends without a word
    assert done.returncode == 1
    assert done.stderr == ""


def test_a_dataset_is_put_on_trial_grows_and_is_taken_back(
    database_url: str, valkey_server: ValkeyServer, capsys: pytest.CaptureFixture[str]
) -> None:
    sample_data.load_all(database_url, "one", "two")
    run = ["--database-url", database_url, "--redis-url", valkey_server.url]
    assert main(["activate", "one", *run]) == 0
    # WHEN the other is compared, then answers for a part THEN each step says what it is, how to go on and how to end it
    steps = {
        ("--shadow",): "compared for 100% of the cells",
        ("--shadow", "--share", "2.5%"): "compared for 2.5% of the cells",
        ("--share", "10%"): "on trial for 10% of the cells",
    }
    with closing(RedisCache.of(RedisSettings(5, 5, 5, url=valkey_server.url))) as cache:
        for options, state in steps.items():
            capsys.readouterr()
            assert main(["activate", "two", *options, *run]) == 0
            assert capsys.readouterr().out.splitlines() == [
                f"two: {state}",
                "to switch for all cells: python -m database activate two; to end: python -m database rollback",
                "announced to Redis",
            ]
            assert main(["list", *run[:2]]) == 0
            assert capsys.readouterr().out.splitlines()[0].endswith(state)
            rollout = Rollout.from_text(cache.read(ROLLOUT, Deadline.after(5)) or b"")
            assert (rollout.candidate, rollout.in_shadow) == ("two", "--shadow" in options)
        # AND a rollback ends it everywhere
        assert main(["rollback", *run]) == 0
        assert capsys.readouterr().out == "active: one\nannounced to Redis\n"
        assert Rollout.from_text(cache.read(ROLLOUT, Deadline.after(5)) or b"").candidate is None


def test_a_share_that_is_none_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["activate", "two", "--share", "110%"])
    assert "expected a share such as 10% or 0.1" in capsys.readouterr().err


def test_a_page_in_no_folder_is_refused_before_anything_is_compared(
    database_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "missing" / "page.html"
    assert main(["compare", "one", "--html", str(page), "--database-url", database_url]) == 1
    assert capsys.readouterr().err == (
        f"error: the folder of {page} does not exist; create it, or give another file with --html\n"
    )


def test_a_name_is_quoted_in_the_commands_that_follow_and_stands_for_one_dataset_only(
    database_url: str, capsys: pytest.CaptureFixture[str], model: Path
) -> None:
    # GIVEN a dataset with a name of its own, loaded beside the active one
    load_command = ["load", "--from", str(model), "--beside", "--version", "my own", "--database-url", database_url]
    assert main(load_command) == 0
    said = capsys.readouterr().out
    assert "python -m database activate 'my own'\n" in said
    assert "stays as it is" not in said
    # WHEN changed data are loaded under the same name THEN the command says that they are not
    (model / "ranges.csv").write_text(sample_data.KOALA.replace("AU", "AU-NSW"))
    assert main(load_command) == 0
    said = capsys.readouterr().out
    assert "warning: my own was loaded at " in said
    assert "for other data give another --version, or drop it first\n" in said


def test_an_interrupt_is_one_line(
    database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(_connection: object) -> list[object]:
        raise KeyboardInterrupt

    monkeypatch.setattr("database.__main__.datasets", interrupted)
    assert main(["list", "--database-url", database_url]) == 130
    assert capsys.readouterr().err == "\ninterrupted; run the same command again to continue\n"


def test_a_database_that_is_not_there_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "--database-url", "postgresql://faunalens@127.0.0.1:1/faunalens"]) == 1
    output = capsys.readouterr().err
    assert output.startswith("error: PostgreSQL: ")
    assert output.count("\n") == 1
    assert "check --database-url" in output


@pytest.mark.parametrize("source", ["--redis-url", "REDIS_URL"])
def test_a_cache_that_is_down_is_reported_and_the_switch_stays(
    database_url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    nowhere = "redis://127.0.0.1:1"
    if source == "REDIS_URL":
        monkeypatch.setenv("REDIS_URL", nowhere)
    arguments = ["--redis-url", nowhere] if source == "--redis-url" else []
    sample_data.load_all(database_url, "one")
    assert main(["activate", "one", "--database-url", database_url, *arguments]) == 1
    assert "the dataset is active, but the announcement to Redis failed (redis_unreachable" in capsys.readouterr().err
    assert main(["drop", "one", "--database-url", database_url]) == 1


@pytest.mark.parametrize(
    ("arguments", "announced"),
    [([], True), (["--redis-url", ""], False)],
    ids=["by default", "not on request"],
)
def test_a_switch_is_announced_to_the_cache_of_the_environment(
    database_url: str,
    valkey_server: ValkeyServer,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    announced: bool,
) -> None:
    # GIVEN an environment that names the cache, as on Lambda WHEN switched THEN it knows, unless that is not wanted
    monkeypatch.setenv("REDIS_URL", valkey_server.url)
    version = f"version-{announced}"
    sample_data.load_all(database_url, version)
    assert main(["activate", version, "--database-url", database_url, *arguments]) == 0
    assert capsys.readouterr().out == f"active: {version}\n" + "announced to Redis\n" * announced
    with closing(RedisCache.of(RedisSettings(5, 5, 5, url=valkey_server.url))) as cache:
        text = cache.read(ROLLOUT, Deadline.after(5)) or Rollout(0, "").to_text()
        assert (Rollout.from_text(text).active == version) == announced


def test_a_wrong_cache_url_is_an_error_before_anything_is_done(
    database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["load", "--database-url", database_url, "--redis-url", "cache.example.com:6379"])
    assert "argument --redis-url: expected a URL that begins with redis:// or rediss://" in capsys.readouterr().err
    assert main(["list", "--database-url", database_url]) == 0
    assert capsys.readouterr().out == ""


def test_patience_is_a_number_of_seconds(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["list", "--patience", "nan"])
    assert "--patience" in capsys.readouterr().err


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
    database, cache = urlsplit(database_url), urlsplit(valkey_server.admin_url)
    assert database.port is not None
    assert cache.port is not None
    with Proxy.to(database.port) as postgres, Proxy.to(cache.port) as redis:
        postgres.sign_in_slowly(1.2)
        redis.sign_in_slowly(1.2)
        urls = with_address(database_url, HOST, postgres.port), with_address(valkey_server.admin_url, HOST, redis.port)
        capsys.readouterr()
        # WHEN a command announces a version THEN it waits for both, and says how long the first took
        assert main(["activate", "one", "--database-url", urls[0], "--redis-url", urls[1]]) == 0
    output = capsys.readouterr().out
    assert re.match(r"signed in to PostgreSQL after 1\.\d s\n", output)
    assert output.endswith("announced to Redis\n")


def test_errors_of_postgresql_are_printed_without_the_password(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "--database-url", "postgresql://me:hunter2[@host/x"]) == 1
    output = capsys.readouterr().err
    assert output.startswith("error: PostgreSQL: ")
    assert "hunter2" not in output
