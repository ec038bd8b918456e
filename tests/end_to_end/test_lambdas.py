"""`make lambda` as a stranger types it: the package, as Lambda runs it, and gone without a trace."""

import json
import os
import signal
import subprocess
from pathlib import Path

from local.paths import ROOT, STATE_DIR
from local.stack.child_process import alive
from local.stack.ports import free_port
from local.stack.sample_photo import sample_photo
from tests.end_to_end.running import GONE, running, until


def test_it_serves_the_package_and_leaves_nothing(tmp_path: Path) -> None:
    # GIVEN make lambda
    port = free_port()
    folder = STATE_DIR / f"run-{port}"
    with running(["make", "lambda", f"PORT={port}", "CONTAINERS=2"], port, tmp_path / "output") as run:
        # THEN it has tried the package before it says that it is ready, and reports as Lambda does
        assert "API          answers, every part works" in run.said
        assert "Init Duration: " in run.said
        # AND a photo is identified by a container
        status, body = run.request("POST", "/identify?lat=-33.9&lon=151.2", sample_photo().read_bytes())
        assert (status, json.loads(body)["features"]["mode"]) == (200, "narrowed")
        # AND its metrics lie where those of make run do
        assert '"Identifications": 1' in (folder / "metrics.jsonl").read_text()
        # WHEN it is ended with Ctrl-C while a container is frozen
        family = run.family
        os.killpg(run.process.pid, signal.SIGINT)
        run.process.wait(GONE)
        # THEN no process is left, and nothing of what was unpacked
        assert until(lambda: not any(alive(pid) for pid in family), GONE), [pid for pid in family if alive(pid)]
        assert not (folder / "lambda").exists()


def test_its_containers_do_not_outlive_it(tmp_path: Path) -> None:
    port = free_port()
    with running(["make", "lambda", f"PORT={port}"], port, tmp_path / "output") as run:
        family = run.family
        # WHEN it has no chance to say goodbye
        os.killpg(run.process.pid, signal.SIGKILL)
        run.process.wait(GONE)
        # THEN its watchdogs end what was frozen too
        assert until(lambda: not any(alive(pid) for pid in family), GONE), [pid for pid in family if alive(pid)]


def test_what_cannot_be_is_one_clear_line() -> None:
    done = subprocess.run(
        ["make", "lambda", "CONTAINERS=none"], cwd=ROOT, capture_output=True, text=True, timeout=GONE, check=False
    )
    assert done.returncode
    assert "none is no number of containers; choose one from 1 to 1000" in done.stderr
