"""`make run` as a stranger types it: ready soon, useful, and gone without a trace however it ends."""

import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from local.paths import ROOT
from local.stack.child_process import alive
from local.stack.initdb import binaries
from local.stack.ports import HOST, free_port
from local.stack.run_as import choose_run_as, prefix_of
from tests.end_to_end.running import ENVIRONMENT, GONE, READY, running, until


def make_run(port: int) -> list[str | Path]:
    return ["make", "run", f"PORT={port}"]


@pytest.fixture
def output(tmp_path: Path) -> Path:
    """File with what the command says."""
    return tmp_path / "output"


def test_it_serves_what_the_readme_promises(output: Path) -> None:
    # GIVEN make run
    port = free_port()
    with running(make_run(port), port, output) as run:
        # THEN it has told each step, the address and a command to try
        for step in ("PostgreSQL", "data", "Valkey", "server"):
            assert re.search(rf"^{step} .* \d+\.\d s$", run.said, re.MULTILINE), run.said
        url = f"http://127.0.0.1:{port}"
        assert f"{url}  (Ctrl-C stops everything)" in run.said
        command = shlex.split(re.findall(r"^    (curl .*\n.*)$", run.said, re.MULTILINE)[0].replace("\\\n", " "))
        # THEN every part answers, and so does the command: a cat, narrowed by real data
        assert run.get_json("/health?deep=true")["status"] == "ok"
        photo = (ROOT / command[command.index("--data-binary") + 1].removeprefix("@")).read_bytes()
        status, body = run.request("POST", command[-1].removeprefix(url), photo)
        assert status == 200, body
        answer = json.loads(body)
        assert answer["prediction"]["scientific_name"] == "Felis catus"
        assert answer["features"]["mode"] == "narrowed"
        assert run.request("GET", "/")[0] == 200
        # THEN what it does can be looked at, where it says
        assert f"{url}/dashboards" in run.said
        assert b"<title>Dashboards</title>" in run.request("GET", "/dashboards/")[1]
        # THEN no coordinate is in its log of requests
        log = run.said.partition("lon=151.2'")[2]
        assert "POST /identify 200" in log
        assert "151.2" not in log


def test_the_second_start_does_no_work(output: Path) -> None:
    # GIVEN a run that has ended
    port = free_port()
    with running(make_run(port), port, output) as run:
        assert re.search(r"^data +loaded ", run.said, re.MULTILINE)
        os.kill(run.process.pid, signal.SIGTERM)
        run.process.wait(GONE)
        # WHEN it is started again
        started = time.monotonic()
        with running(make_run(port), port, output.with_name("second")) as second:
            print(f"second start: {time.monotonic() - started:.1f} s")
            # THEN nothing is installed, built or loaded
            assert re.search(r"^data +loaded before, unchanged", second.said, re.MULTILINE)
            assert "environment:" not in second.said
            assert "model:" not in second.said


@pytest.mark.parametrize(
    ("victim", "number"),
    [
        ("group", signal.SIGINT),  # Ctrl-C in a terminal
        ("make", signal.SIGTERM),
        ("make", signal.SIGHUP),
        ("make", signal.SIGKILL),
        ("run", signal.SIGINT),
        ("run", signal.SIGKILL),
        ("group", signal.SIGKILL),
        pytest.param("make", signal.SIGINT, marks=pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")),
    ],
)
def test_nothing_is_left_behind(victim: str, number: signal.Signals, output: Path) -> None:
    # GIVEN make run with its servers and their watchdogs
    port = free_port()
    with running(make_run(port), port, output) as run:
        make, main, *rest = run.family
        assert len(rest) > 6, "the app, Valkey, PostgreSQL with its own children, and a watchdog each"
        # WHEN it is ended
        if victim == "group":
            os.killpg(make, number)
        else:
            os.kill({"make": make, "run": main}[victim], number)
        run.process.wait(GONE)
        # THEN none of its processes is left, and the port is free
        assert until(lambda: not any(alive(pid) for pid in (main, *rest)), GONE), [p for p in rest if alive(p)]
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((HOST, port))


def test_it_can_be_ended_before_it_is_ready(output: Path) -> None:
    # GIVEN a run that has just started its servers
    port = free_port()
    command = [sys.executable, "-m", "local.stack.run", "--port", str(port)]
    with running(command, port, output, ready=False) as run:
        assert until(lambda: len(run.family) > 3, READY)
        family = run.family
        # WHEN it is told to end
        run.process.terminate()
        # THEN it ends without an error, with all of them
        assert run.process.wait(GONE) == 0
        assert "stopped before it was ready" in run.said
        assert until(lambda: not any(alive(pid) for pid in family), GONE)


def test_two_ports_at_the_same_time(output: Path) -> None:
    # GIVEN two runs
    first, second = free_port(), free_port()
    with (
        running(make_run(first), first, output) as one,
        running(make_run(second), second, output.with_name("2")) as two,
    ):
        # THEN both serve
        assert one.get_json("/health?deep=true")["status"] == "ok"
        assert two.get_json("/health?deep=true")["status"] == "ok"


def test_a_taken_port_is_one_clear_line(output: Path) -> None:
    # GIVEN a port that somebody listens on
    with socket.create_server((HOST, 0)) as other:
        port = other.getsockname()[1]
        # WHEN it is asked for
        done = subprocess.run(
            make_run(port), cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True, timeout=READY, check=False
        )
    # THEN one line says so and what to do
    assert done.returncode != 0
    said = [line for line in done.stderr.splitlines() if not line.startswith("make: ***")]
    assert said == [f"make run: port {port} is taken by another program; choose another: make run PORT={port + 1}"]
    assert not output.exists()


@pytest.mark.parametrize("port", ["0", "65536", "http"])
def test_what_is_no_port_is_one_clear_line(port: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "local.stack.run", "--port", port], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert f"{port} is no port; choose one from 1024 to 65535: make run PORT=8000" in done.stderr


def test_an_ended_server_ends_the_run_with_a_line(output: Path) -> None:
    # GIVEN a run
    port = free_port()
    with running(make_run(port), port, output) as run:
        family = run.family
        (valkey,) = (pid for pid in family if "valkey-server" in Path(f"/proc/{pid}/cmdline").read_text())
        # WHEN a server of it dies
        os.kill(valkey, signal.SIGKILL)
        # THEN all of it ends, and says why
        assert run.process.wait(GONE) != 0
        assert "Valkey ended by itself" in run.said
        assert until(lambda: not any(alive(pid) for pid in family), GONE)


@pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user has run everything above")
def test_an_ordinary_user_runs_it_too(output: Path) -> None:
    # GIVEN somebody who is not root, made from root
    port = free_port()
    prefix = prefix_of(choose_run_as(binaries() / "postgres"))
    command = [*prefix, sys.executable, "-m", "local.stack.run", "--port", str(port)]
    with running(command, port, output) as run:
        # THEN it serves
        assert run.get_json("/health?deep=true")["status"] == "ok"
