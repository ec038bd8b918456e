"""`chalice local` on the stores of a `make run`, as docs/how-to/local.md says."""

import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from shutil import rmtree

import pytest

from benchmarks.backends import is_served
from chalicelib.config.settings import ROOT
from local import STATE_DIR
from local.stack.child_process import ChildProcess
from local.stack.ports import free_port, http_get
from local.stack.valkey import ValkeyServer


@pytest.fixture
def environment_file(loaded_database: str, loaded_valkey: ValkeyServer) -> Iterator[Path]:
    """The file of a run with the addresses of its stores; its metrics lie beside it, inside the checkout."""
    folder = STATE_DIR / f"run-{free_port()}"
    folder.mkdir(parents=True)
    values = {"DATABASE_URL": loaded_database, "REDIS_URL": loaded_valkey.url}
    values["METRICS_FILE"], file = str(folder / "metrics.jsonl"), folder / "environment"
    file.write_text("".join(f"export {name}='{value}'\n" for name, value in values.items()))
    yield file
    rmtree(folder)


def documented_command() -> str:
    """Return the last `chalice local` command of the documentation, without its port."""
    text = (ROOT / "docs" / "how-to" / "local.md").read_text(encoding="utf-8")
    command = re.findall(r"^    (\.venv/bin/chalice local.*)$", text, re.MULTILINE)[-1]
    return re.sub(r" --port \d+", "", str(command))


def test_it_serves_one_request_after_another(environment_file: Path) -> None:
    # GIVEN the documented command, with the environment file of a run
    port = free_port()
    program = documented_command().replace(".venv/bin/chalice", f"{Path(sys.executable).parent}/chalice")
    command = f". {environment_file} && exec {program} --port {port}"
    with ChildProcess("chalice local", ["sh", "-c", command], log=environment_file.with_name("log")) as server:
        server.wait_until(lambda: is_served(port), 30)
        # WHEN several requests follow, each of which writes metrics THEN all succeed, and these are in the run's file
        for _ in range(5):
            assert http_get(port, "/animals?lat=-33.9&lon=151.2", timeout=20.0)[0] == 200
            time.sleep(0.3)
        assert environment_file.with_name("metrics.jsonl").read_text().count('"/animals"') >= 5
