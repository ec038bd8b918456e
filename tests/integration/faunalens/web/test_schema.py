"""Requests that schemathesis derives from the OpenAPI document, with all its checks, on both transports."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from chalicelib.config.settings import ROOT
from local.stack.child_process import ChildProcess
from local.stack.ports import HOST, free_port, http_get
from local.stack.valkey import ValkeyServer
from tests.integration.conftest import Served, serve

METHODS = ["get", "put", "post", "delete", "options", "patch"]
"""Methods to try on paths that do not document them."""
ARGUMENTS = ("--checks=all", "--continue-on-failure", "--generation-deterministic", "--no-color")

CHALICE = """
from chalice import cli, local
local.ChaliceRequestHandler.disable_nagle_algorithm = True  # otherwise each answer waits 40 ms for more to send
cli.main()
"""
EXAMPLES = pytest.mark.parametrize("examples", [3, pytest.param(25, marks=pytest.mark.alone)])
"""Requests made up for each operation, besides those that cover its parameters one by one: few, and many at night."""


@pytest.fixture(scope="module")
def served(
    tmp_path_factory: pytest.TempPathFactory, loaded_database: str, loaded_valkey: ValkeyServer
) -> Iterator[Served]:
    """A server for this module: other tests read the log and the metrics of the shared one."""
    folder = tmp_path_factory.mktemp("schema")
    stores = {"DATABASE_URL": loaded_database, "REDIS_URL": loaded_valkey.url}
    yield from serve(folder, {**stores, "RESULTS_FOLDER": str(folder / "results")})


@pytest.fixture(scope="module")
def chalice_port(
    tmp_path_factory: pytest.TempPathFactory, loaded_database: str, loaded_valkey: ValkeyServer
) -> Iterator[int]:
    """Port of `chalice local`."""
    port = free_port()

    def is_up() -> bool:
        try:
            return http_get(port, "/openapi.json", timeout=5.0)[0] == 200
        except OSError:
            return False

    environment = {**os.environ, "DATABASE_URL": loaded_database, "REDIS_URL": loaded_valkey.url}
    command = [sys.executable, "-c", CHALICE, "local", "--no-autoreload", "--port", str(port)]
    log = tmp_path_factory.mktemp("chalice") / "log"
    with ChildProcess("chalice local", command, log=log, environment=environment) as child:
        child.wait_until(is_up, 60)
        yield port


def run_schemathesis(port: int, methods: list[str], folder: Path, examples: int) -> str:
    """Run schemathesis against a server. Return its report if it finds anything, otherwise an empty text."""
    config = folder / "schemathesis.toml"
    config.write_text(
        f"[phases.coverage]\nunexpected-methods = {methods}\ngenerate-duplicate-query-parameters = true\n"
    )
    url = f"http://{HOST}:{port}/openapi.json"
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(config), "run", url, *ARGUMENTS]
    command.append(f"--max-examples={examples}")
    environment = {
        **os.environ,
        "SCHEMATHESIS_HOOKS": "tests.integration.faunalens.web.schema_hooks",
        "PYTHONPATH": str(ROOT),
    }
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, env=environment, check=False)
    return done.stdout + done.stderr if done.returncode else ""


@EXAMPLES
def test_schemathesis_finds_nothing_on_the_http_server(served: Served, tmp_path: Path, examples: int) -> None:
    assert run_schemathesis(served.port, [*METHODS, "trace", "query"], tmp_path, examples) == ""


@EXAMPLES
def test_schemathesis_finds_nothing_on_chalice(chalice_port: int, tmp_path: Path, examples: int) -> None:
    # Without TRACE and QUERY: the server of `chalice local` is Python's http.server, which responds to them itself
    # with 501. API Gateway does not know these methods either.
    assert run_schemathesis(chalice_port, METHODS, tmp_path, examples) == ""
