"""Containers, with awslambdaric's real loop and a small package."""

import json
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest

from infra.package import Package
from local.lambda_sim.container import Container, Pool, Throttled
from local.lambda_sim.sandbox import Sandbox, unpacked
from local.stack.child_process import alive
from tests.integration.local import toy
from tests.support.servers import until


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Package:
    return toy.build(tmp_path_factory.mktemp("toy"))


@pytest.fixture(scope="module")
def sandbox(package: Package, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """The unpacked package."""
    with unpacked(package, tmp_path_factory.mktemp("place") / "home") as sandbox:
        yield sandbox


def container(sandbox: Sandbox, tmp_path: Path, handler: str, **configuration: Any) -> Container:
    return Container(toy.function(handler, **configuration), sandbox, "toys-1", tmp_path / "toys.log")


def ask(container: Container, **event: Any) -> Any:
    """Invoke a handler; return its result."""
    invoked = container.invoke(json.dumps(event).encode())
    assert invoked.error is None, invoked
    return json.loads(invoked.payload)


def test_a_handler_gets_the_event_and_lambdas_environment(sandbox: Sandbox, tmp_path: Path) -> None:
    with container(sandbox, tmp_path, "toy.echo") as toys:
        # WHEN a container gets an event
        invoked = toys.invoke(b'{"photo": "\\u00e9"}', "request-1", "Root=1-2-3")
        seen = json.loads(invoked.payload)
    # THEN the handler sees the event, its context, and the environment of Lambda and of the function
    assert (seen["event"], seen["request_id"]) == ({"photo": "é"}, "request-1")
    assert 0 < seen["left_ms"] <= 10_000
    wanted = {"GREETING": "hello", "_HANDLER": "toy.echo", "AWS_LAMBDA_FUNCTION_NAME": "toys"}
    wanted |= {"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256", "_X_AMZN_TRACE_ID": "Root=1-2-3", "A_PATH": "/opt/x:/var/task"}
    assert seen["environment"].items() >= wanted.items()
    # AND no variable of this process, and no right of root
    assert not {"VIRTUAL_ENV", "HOME", "PYTEST_CURRENT_TEST", "PYTHONDONTWRITEBYTECODE"} & seen["environment"].keys()
    assert (seen["layer"], int(seen["rights"], 16), seen["path"][0]) == ("the layer", 0, "/var/task")


def test_the_package_lambdas_runtime_and_a_writable_tmp_are_all_there_is(sandbox: Sandbox, tmp_path: Path) -> None:
    names = ["toy", "layered", "awslambdaric", "boto3", "json"]
    not_there = ["pytest", "chalice", "numpy", "moto", "app", "chalicelib", "local"]
    # GIVEN the files of this checkout, of its environment and of this machine's /tmp
    files = [str(Path(__file__)), sys.prefix, str(tmp_path)]
    folders = ["/var/task", "/opt/python", "/var/runtime", "/", "/tmp"]  # noqa: S108
    with container(sandbox, tmp_path, "toy.look") as toys:
        found = ask(toys, modules=names + not_there, files=files, folders=folders)
    # THEN only modules of the package, the runtime and Python can be found, and no code can be changed
    assert found == {"modules": names, "files": [], "writable": ["/tmp"]}  # noqa: S108


def test_only_the_first_report_has_an_initialisation_and_a_handlers_error_ends_no_container(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    lines: list[str] = []
    with Container(toy.function("toy.fail"), sandbox, "toys-1", tmp_path / "log", lines.append) as toys:
        cold, warm = (toys.invoke(b"{}") for _ in range(2))
        assert toys.alive
    error = json.loads(warm.payload)
    assert (warm.error, error["errorType"], error["errorMessage"]) == ("Unhandled", "ValueError", "as asked")
    assert any("[ERROR] ValueError: as asked" in line for line in lines)
    assert (5 < (cold.report.init or 0) < 5000, warm.report.init) == (True, None)
    assert (warm.report.memory, 5 < warm.report.memory_used < 256) == (256, True)
    # AND the log is in Lambda's order
    kinds = ("INIT_START", "START", "END", "REPORT")
    assert [line.split()[0] for line in lines if line.startswith(kinds)] == [*kinds, *kinds[1:]]


@pytest.mark.parametrize(
    ("handler", "configuration", "harmless", "event", "kind", "message"),
    [
        ("toy.leave", {}, None, {"code": 3}, "Runtime.ExitError", "exit status 3"),
        ("toy.grow", {"memory": 128}, {"mb": 40}, {"mb": 100_000}, "Runtime.OutOfMemory", ""),
        ("toy.sleep", {"timeout": 0.3}, None, {"seconds": 30}, "Sandbox.Timedout", "Task timed out after 0.30 seconds"),
        # the largest response has 6 MB and some bytes, quotation marks included
        ("toy.large", {}, {"bytes": 6_291_554}, {"bytes": 6_291_555}, "Function.ResponseSizeTooLarge", "6291556 bytes"),
        ("broken.handler", {}, None, {}, "Runtime.ImportModuleError", "nothing"),
        ("toy.nothing", {}, None, {}, "Runtime.HandlerNotFound", "nothing"),
    ],
)
def test_a_container_that_fails_or_exceeds_a_limit_says_why_and_ends(
    sandbox: Sandbox,
    tmp_path: Path,
    handler: str,
    configuration: dict[str, Any],
    harmless: dict[str, int] | None,
    event: dict[str, int],
    kind: str,
    message: str,
) -> None:
    lines: list[str] = []
    with Container(toy.function(handler, **configuration), sandbox, "toys-1", tmp_path / "log", lines.append) as toys:
        if harmless:
            ask(toys, **harmless)
        invoked = toys.invoke(json.dumps(event).encode(), "request-1")
        assert not toys.alive
    error = json.loads(invoked.payload)
    assert (invoked.error, error["errorType"]) == (kind, kind)
    assert message in error["errorMessage"]
    # AND what it printed before is kept
    assert handler != "toy.leave" or "about to leave" in lines


def test_containers_start_up_to_the_limit_and_are_reused(sandbox: Sandbox, tmp_path: Path) -> None:
    pool = Pool(toy.function("toy.sleep", concurrency=3), sandbox, tmp_path)
    try:
        with ThreadPoolExecutor(3) as clients:
            # GIVEN three concurrent events
            event = b'{"seconds": 1.0}'
            work = [clients.submit(pool.invoke, event) for _ in range(3)]
            assert [each.result().error for each in work] == [None] * 3
            assert (len(pool.idle), len(pool.busy)) == (3, 0)
            # THEN their processes are frozen, once the signal has arrived
            processes = [psutil.Process(each.pid) for each in pool.idle]
            assert until(lambda: {each.status() for each in processes} == {psutil.STATUS_STOPPED}, 10)
            # WHEN there are three more, and a fourth
            work = [clients.submit(pool.invoke, event) for _ in range(3)]
            while len(pool.busy) < 3:
                time.sleep(0.001)
            with pytest.raises(Throttled):
                pool.invoke(event)
            # THEN the same containers handle three of them
            assert [each.result().report.init for each in work] == [None] * 3
            assert (len(pool.idle), len(pool.busy)) == (3, 0)
    finally:
        pids = [container.pid for container in pool.idle]
        pool.close()
    # AND when the pool has closed, no container is left, and none starts
    assert not any(map(alive, pids))
    with pytest.raises(Throttled):
        pool.invoke(event)
