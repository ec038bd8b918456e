"""`make lambda` as a new user runs it: the package as Lambda runs it, and gone without a trace."""

import os
import signal
from pathlib import Path

from local import STATE_DIR, sample_photo
from local.lambda_sim.__main__ import PACKED_MODEL
from local.stack.child_process import alive
from tests.end_to_end.running import EXIT_TIMEOUT, loaded_port, running
from tests.support.servers import until


def test_it_serves_the_package_and_leaves_nothing(tmp_path: Path) -> None:
    # GIVEN make lambda
    port = loaded_port(PACKED_MODEL.parent)
    folder = STATE_DIR / f"run-{port}"
    with running(["make", "lambda", f"PORT={port}", "CONTAINERS=2"], port, tmp_path / "output") as run:
        # THEN it has tried the package before it is ready, and prints Lambda's reports
        assert "API          answers, all dependencies healthy" in run.output
        assert "Init Duration: " in run.output
        # AND a container identifies a photo
        run.narrowed("/identify?lat=-33.9&lon=151.2", sample_photo().read_bytes())
        # AND its metrics are in the same file as those of make run
        assert '"Identifications": 1' in (folder / "metrics.jsonl").read_text()
        # WHEN Ctrl-C stops it while a container is frozen
        family = run.family
        os.killpg(run.process.pid, signal.SIGINT)
        run.process.wait(EXIT_TIMEOUT)
        # THEN no process is left, and the unpacked package is deleted
        assert until(lambda: not any(alive(pid) for pid in family), EXIT_TIMEOUT), [pid for pid in family if alive(pid)]
        assert not (folder / "lambda").exists()
