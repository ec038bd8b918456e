"""`make run` as a new user runs it: useful, and gone without a trace however it ends."""

import os
import re
import shlex
import signal
import socket
import sys
import time
from pathlib import Path

import pytest

from chalicelib.config.settings import ROOT
from local import STATE_DIR
from local.stack.child_process import alive
from local.stack.ports import HOST, free_port
from local.stack.postgres import give_folder, not_as_root
from tests.end_to_end.running import EXIT_TIMEOUT, START_TIMEOUT, Running, loaded_port, running
from tests.support.servers import until


def make_run(port: int) -> list[str | Path]:
    return ["make", "run", f"PORT={port}"]


@pytest.fixture
def output(tmp_path: Path) -> Path:
    """File for the command's output."""
    return tmp_path / "output"


def kill(run: Running, victim: str, number: signal.Signals) -> None:
    """Send a signal to `make`, to the run that it started, or to their group. All must go, and the port be free."""
    make, main, *rest = run.family
    assert len(rest) > 6, "the app, Valkey, PostgreSQL with its own children, and a watchdog each"
    if victim == "group":
        os.killpg(make, number)
    else:
        os.kill({"make": make, "run": main}[victim], number)
    run.process.wait(EXIT_TIMEOUT)
    assert until(lambda: not any(alive(pid) for pid in (main, *rest)), EXIT_TIMEOUT), [p for p in rest if alive(p)]
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((HOST, run.port))


def test_it_serves_what_the_readme_promises_on_two_ports_and_leaves_nothing(output: Path) -> None:
    # GIVEN make run, twice
    port, second = loaded_port(), loaded_port()
    with (
        running(make_run(second), second, output.with_name("second")) as other,
        running(make_run(port), port, output) as run,
    ):
        # THEN its output has each step, the address and a command to try
        for step in ("PostgreSQL", "data", "Valkey", "server"):
            assert re.search(rf"^{step} .* \d+\.\d s$", run.output, re.MULTILINE), run.output
        url = f"http://127.0.0.1:{port}"
        assert f"{url}  (Ctrl-C stops everything)" in run.output
        command = shlex.split(re.findall(r"^    (curl .*\n.*)$", run.output, re.MULTILINE)[0].replace("\\\n", " "))
        # THEN all dependencies are healthy, and the command identifies a cat with real data
        assert run.get_json("/health?deep=true")["status"] == "ok"
        assert other.get_json("/health?deep=true")["status"] == "ok"
        photo = (ROOT / command[command.index("--data-binary") + 1].removeprefix("@")).read_bytes()
        answer = run.narrowed(command[-1].removeprefix(url), photo)
        assert answer["prediction"]["scientific_name"] == "Felis catus"
        assert run.request("GET", "/")[0] == 200
        # THEN the dashboards are at the address in the output
        assert f"{url}/dashboards" in run.output
        assert b"<title>Dashboards</title>" in run.request("GET", "/dashboards/")[1]
        # THEN its log of requests contains no coordinates
        log = run.output.partition("lon=151.2'")[2]
        assert "POST /identify 200" in log
        assert "151.2" not in log
        # WHEN Ctrl-C in a terminal stops one, and the other is killed THEN nothing is left of either
        kill(run, "group", signal.SIGINT)
        kill(other, "run", signal.SIGKILL)


@pytest.mark.parametrize("folder", ["loaded before", pytest.param("empty", marks=pytest.mark.alone)])
def test_an_ordinary_user_can_run_it_and_the_second_start_does_no_work(folder: str, output: Path) -> None:
    # GIVEN an empty folder, or one whose data may be of another checkout
    port = free_port() if folder == "empty" else loaded_port()
    home = STATE_DIR / f"run-{port}"
    if folder != "empty":
        next(home.glob("*/data.sha256")).unlink()
        give_folder(home)
    # WHEN an ordinary user starts it there THEN it loads the data and serves
    user = not_as_root()
    with running([*user, sys.executable, "-m", "local.run", "--port", str(port)], port, output) as run:
        assert re.search(r"^data +loaded +\d", run.output, re.MULTILINE), run.output
        assert run.get_json("/health?deep=true")["status"] == "ok"
        # WHEN it has stopped, and this user starts it again
        os.kill(run.process.pid, signal.SIGTERM)
        run.process.wait(EXIT_TIMEOUT)
        started = time.monotonic()
        with running(make_run(port), port, output.with_name("second")) as second:
            print(f"second start: {time.monotonic() - started:.1f} s")
            # THEN it installs, builds and loads nothing
            assert re.search(r"^data +loaded before, unchanged", second.output, re.MULTILINE)
            assert "environment:" not in second.output
            assert "model:" not in second.output


@pytest.mark.alone  # each is another start
@pytest.mark.parametrize(
    ("victim", "number"),
    [
        *([("make", signal.SIGINT)] if sys.platform == "linux" else []),  # reads /proc
        ("make", signal.SIGTERM),
        ("make", signal.SIGHUP),
        ("make", signal.SIGKILL),
        ("run", signal.SIGINT),
        ("group", signal.SIGKILL),
    ],
)
def test_nothing_is_left_behind_by_other_signals_either(victim: str, number: signal.Signals, output: Path) -> None:
    port = loaded_port()
    with running(make_run(port), port, output) as run:
        kill(run, victim, number)


def test_it_can_be_stopped_before_it_is_ready(output: Path) -> None:
    # GIVEN a run that has just started its servers
    port = free_port()
    command = [sys.executable, "-m", "local.run", "--port", str(port)]
    with running(command, port, output, ready=False) as run:
        assert until(lambda: len(run.family) > 3, START_TIMEOUT)
        family = run.family
        # WHEN it gets SIGTERM
        run.process.terminate()
        # THEN it exits without an error, and so do its servers
        assert run.process.wait(EXIT_TIMEOUT) == 0
        assert "stopped before it was ready" in run.output
        assert until(lambda: not any(alive(pid) for pid in family), EXIT_TIMEOUT)


def test_a_store_that_dies_is_started_again_and_an_app_that_dies_ends_the_run(output: Path) -> None:
    # GIVEN a run
    port = loaded_port()
    command = [sys.executable, "-m", "local.run", "--port", str(port)]
    with running(command, port, output) as run:
        family = run.family

        def process(part: str) -> int:
            (pid,) = (pid for pid in family if part in Path(f"/proc/{pid}/cmdline").read_text())
            return pid

        # WHEN a store of it dies
        os.kill(process("valkey-server"), signal.SIGKILL)
        # THEN it is started again, and the app uses it again
        assert until(lambda: "Valkey accepts requests again" in run.output, START_TIMEOUT), run.output
        assert "Valkey exited by itself with code -9: " in run.output
        assert until(lambda: b'"status":"ok"' in run.request("GET", "/health?deep=true")[1], START_TIMEOUT)
        # WHEN the app dies
        family = run.family
        os.kill(process("local.serve"), signal.SIGKILL)
        # THEN the whole run ends and says why
        assert run.process.wait(EXIT_TIMEOUT) != 0
        assert "the app exited by itself with code -9" in run.output
        assert until(lambda: not any(alive(pid) for pid in family), EXIT_TIMEOUT)
