"""What a container is and does, with awslambdaric's real loop in it and a small package."""

import json
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from infra.package import Package
from local.lambda_sim.container import INIT_PATIENCE, Container
from local.lambda_sim.pool import Pool, Throttled
from local.lambda_sim.report import Invoked
from local.lambda_sim.sandbox import Sandbox, Way, best_way, unpacked
from local.stack.child import alive
from tests.integration.local import toy

WAYS: tuple[Way, ...] = ("namespace", "folder")


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Package:
    return toy.build(tmp_path_factory.mktemp("toy"))


@pytest.fixture(scope="module")
def place(package: Package, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """Unpacked in the best way that this machine allows."""
    with unpacked(package, tmp_path_factory.mktemp("place") / "home") as place:
        yield place


@pytest.fixture(params=WAYS)
def each_place(
    request: pytest.FixtureRequest, package: Package, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Sandbox]:
    """Unpacked in each way; where namespaces are forbidden, in the other alone."""
    way: Way = request.param if best_way() == "namespace" else "folder"
    with unpacked(package, tmp_path_factory.mktemp(way) / "home", way) as place:
        yield place


def container(place: Sandbox, tmp_path: Path, handler: str, **configuration: Any) -> Container:
    return Container(toy.function(handler, **configuration), place, "toys-1", tmp_path / "toys.log")


def ask(container: Container, **event: Any) -> Any:
    """What a handler returns."""
    invoked = container.invoke(json.dumps(event).encode())
    assert invoked.error is None, invoked
    return json.loads(invoked.payload)


def error_of(invoked: Invoked) -> tuple[str, str]:
    """Type and message of an invocation that failed."""
    assert invoked.error
    told = json.loads(invoked.payload)
    return told["errorType"], told["errorMessage"]


def state(pid: int) -> str:
    """Of a process: S sleeps, T is stopped."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def test_a_handler_gets_the_event_and_sees_what_it_would_on_lambda(each_place: Sandbox, tmp_path: Path) -> None:
    with container(each_place, tmp_path, "toy.echo") as toys:
        # WHEN an event is handed over
        invoked = toys.invoke(b'{"photo": "\\u00e9"}', "request-1", "Root=1-2-3")
        told = json.loads(invoked.payload)
    # THEN the handler has it, its context and Lambda's environment with the function's own
    assert told["event"] == {"photo": "é"}
    assert (told["request_id"], told["arn"].rpartition(":")[2]) == ("request-1", "toys")
    assert 0 < told["left_ms"] <= 10_000
    environment = told["environment"]
    assert (environment["TOLD"], environment["_HANDLER"]) == ("hello", "toy.echo")
    assert (environment["AWS_LAMBDA_FUNCTION_NAME"], environment["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]) == ("toys", "256")
    assert environment["_X_AMZN_TRACE_ID"] == "Root=1-2-3"
    assert "PYTHONDONTWRITEBYTECODE" not in environment
    # AND nothing of ours
    assert not {"VIRTUAL_ENV", "HOME", "PYTEST_CURRENT_TEST"} & environment.keys()
    assert (told["layer"], int(told["rights"], 16)) == ("the layer", 0)
    if each_place.way == "namespace":
        assert environment["LAMBDA_TASK_ROOT"] == told["path"][0] == "/var/task"
        assert environment["A_PATH"] == "/opt/x:/var/task"
        assert "/opt/python/lib/python3.13/site-packages" in told["path"]
    else:
        assert environment["LAMBDA_TASK_ROOT"] == told["path"][0] == str(each_place.task)
        assert environment["A_PATH"] == f"{each_place.opt}/x:{each_place.task}"


def test_only_the_package_and_lambdas_own_runtime_can_be_imported(each_place: Sandbox, tmp_path: Path) -> None:
    names = ["toy", "layered", "awslambdaric", "boto3", "json"]
    not_there = ["pytest", "chalice", "numpy", "moto", "app", "chalicelib", "local"]
    # GIVEN the files of this checkout and of its environment
    files = [str(Path(__file__)), sys.prefix]
    with container(each_place, tmp_path, "toy.find") as toys:
        found = ask(toys, modules=names + not_there, files=files)
    # THEN modules come from the package, the runtime and Python alone
    assert found["modules"] == names
    if each_place.way == "namespace":
        assert found["files"] == []


def test_only_tmp_can_be_written_to(each_place: Sandbox, tmp_path: Path) -> None:
    namespace = each_place.way == "namespace"
    code = (
        ["/var/task", "/opt/python", "/var/runtime", "/"] if namespace else [str(each_place.task), str(each_place.opt)]
    )
    with container(each_place, tmp_path, "toy.write") as toys:
        scratch = "/tmp" if namespace else f"{each_place.task.parent}/tmp"  # noqa: S108
        results = ask(toys, places=[*code, scratch])
    # THEN the code stays as it is
    assert results == {place: results[place] for place in code if results[place] != "written"} | {scratch: "written"}
    # AND what was written is not in our own /tmp
    assert not namespace or not Path("/tmp/written").exists()  # noqa: S108


def test_a_container_is_frozen_between_events_and_keeps_what_it_holds(place: Sandbox, tmp_path: Path) -> None:
    with container(place, tmp_path, "toy.echo") as toys:
        # WHEN an event has been answered
        first = ask(toys)
        # THEN the process is stopped; a signal takes its time
        while state(toys.pid) != "T":
            time.sleep(0.001)
        # WHEN there is another
        second = ask(toys)
        # THEN the same process goes on with what it held
        assert (second["calls"], second["pid"]) == (2, first["pid"])


def test_the_first_report_tells_of_initialisation(place: Sandbox, tmp_path: Path) -> None:
    lines: list[str] = []
    with Container(toy.function("toy.echo"), place, "toys-1", tmp_path / "log", lines.append) as toys:
        cold, warm = (toys.invoke(b"{}").report for _ in range(2))
    assert cold.init is not None
    assert 5 < cold.init < 5000
    assert warm.init is None
    assert cold.billed >= cold.init
    assert (warm.memory, 5 < warm.memory_used < 256) == (256, True)
    # AND the log is in Lambda's order
    kinds = [line.split()[0] for line in lines]
    assert kinds == ["INIT_START", "START", "END", "REPORT", "START", "END", "REPORT"]


def test_an_error_of_the_handler_is_told_and_the_container_goes_on(place: Sandbox, tmp_path: Path) -> None:
    lines: list[str] = []
    with Container(toy.function("toy.fail"), place, "toys-1", tmp_path / "log", lines.append) as toys:
        for _ in range(2):
            invoked = toys.invoke(b"{}")
            assert (invoked.error, error_of(invoked)) == ("Unhandled", ("ValueError", "as asked"))
            assert toys.alive
    assert any("[ERROR] ValueError: as asked" in line for line in lines)


def test_a_process_that_ends_is_an_error_and_its_last_words_are_kept(place: Sandbox, tmp_path: Path) -> None:
    lines: list[str] = []
    with Container(toy.function("toy.leave"), place, "toys-1", tmp_path / "log", lines.append) as toys:
        kind, message = error_of(toys.invoke(b'{"code": 3}'))
        assert not toys.alive
    assert kind == "Runtime.ExitError"
    assert "exit status 3" in message
    assert "about to leave" in lines


def test_memory_over_the_limit_ends_the_container(place: Sandbox, tmp_path: Path) -> None:
    with container(place, tmp_path, "toy.grow", memory=128) as toys:
        # WHEN it stays within its limit
        assert ask(toys, mb=40) == {"held": 40}
        pid = toys.pid
        # WHEN it does not
        kind, _ = error_of(toys.invoke(b'{"mb": 100000}'))
        # THEN it is gone
        assert kind == "Runtime.OutOfMemory"
        assert not toys.alive
        assert not alive(pid)


def test_time_over_the_limit_ends_the_container(place: Sandbox, tmp_path: Path) -> None:
    with container(place, tmp_path, "toy.sleep", timeout=0.3) as toys:
        invoked = toys.invoke(b'{"seconds": 30}', "request-1")
        kind, message = error_of(invoked)
        assert not toys.alive
    assert (kind, message) == ("Sandbox.Timedout", "RequestId: request-1 Error: Task timed out after 0.30 seconds")
    assert 300 <= invoked.report.duration < 5000


def test_an_answer_that_is_too_large_is_an_error(place: Sandbox, tmp_path: Path) -> None:
    with container(place, tmp_path, "toy.large") as toys:
        # GIVEN an answer of the largest size, quotation marks included
        assert toys.invoke(b'{"bytes": 6291554}').error is None
        kind, message = error_of(toys.invoke(b'{"bytes": 6291555}'))
        # AND awslambdaric cannot go on after it
        assert not toys.alive
    assert kind == "Function.ResponseSizeTooLarge"
    assert "6291556 bytes" in message


@pytest.mark.parametrize(
    ("handler", "error_type"),
    [("broken.handler", "Runtime.ImportModuleError"), ("toy.nothing", "Runtime.HandlerNotFound")],
)
def test_what_cannot_start_says_why(place: Sandbox, tmp_path: Path, handler: str, error_type: str) -> None:
    with container(place, tmp_path, handler) as toys:
        kind, message = error_of(toys.invoke(b"{}"))
        assert not toys.alive
    assert kind == error_type
    assert "nothing" in message


def test_a_start_that_takes_too_long_begins_again_within_the_invocation(
    place: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN a module that takes a minute to import
    assert INIT_PATIENCE == 10
    monkeypatch.setattr("local.lambda_sim.container.INIT_PATIENCE", 0.2)
    lines: list[str] = []
    with Container(toy.function("slow.handler", timeout=0.3), place, "toys-1", tmp_path / "log", lines.append) as toys:
        kind, _ = error_of(toys.invoke(b"{}"))
    assert kind == "Sandbox.Timedout"
    assert [line.split()[0] for line in lines].count("INIT_START") == 2


def test_containers_are_started_up_to_the_limit_and_used_again(place: Sandbox, tmp_path: Path) -> None:
    pool = Pool(toy.function("toy.sleep", concurrency=3), place, tmp_path)
    try:
        with ThreadPoolExecutor(3) as clients:
            # GIVEN three requests at a time
            event = b'{"seconds": 1.0}'
            work = [clients.submit(pool.invoke, event) for _ in range(3)]
            assert [each.result().error for each in work] == [None] * 3
            assert pool.size == 3
            # WHEN as many come again, and one more
            work = [clients.submit(pool.invoke, event) for _ in range(3)]
            while len(pool._busy) < 3:
                time.sleep(0.001)
            with pytest.raises(Throttled):
                pool.invoke(event)
            # THEN the same containers have worked on them
            assert [each.result().report.init for each in work] == [None] * 3
            assert pool.size == 3
    finally:
        pool.close()


def test_a_container_that_died_is_replaced(place: Sandbox, tmp_path: Path) -> None:
    pool = Pool(toy.function("toy.leave", concurrency=1), place, tmp_path)
    try:
        for _ in range(2):
            assert pool.invoke(b'{"code": 1}').error == "Runtime.ExitError"
            assert pool.size == 0
    finally:
        pool.close()


def test_containers_end_when_they_are_idle_and_when_the_pool_does(place: Sandbox, tmp_path: Path) -> None:
    told: list[tuple[str, str]] = []
    pool = Pool(toy.function("toy.echo"), place, tmp_path, lambda name, line: told.append((name, line)), idle=0.0)
    pids = [json.loads(pool.invoke(b"{}").payload)["pid"] for _ in range(2)]
    # GIVEN containers that are kept for no time at all
    assert pids[0] != pids[1]
    assert not alive(pids[0])
    assert {name for name, _ in told} == {"toys-1", "toys-2"}
    # WHEN the pool ends
    pool.close()
    # THEN nothing is left, and nothing starts any more
    assert not alive(pids[1])
    with pytest.raises(Throttled):
        pool.invoke(b"{}")


def test_nothing_is_left_of_a_place(package: Package, tmp_path: Path) -> None:
    home = tmp_path / "home"
    # GIVEN what a run that was killed has left
    home.mkdir()
    (home / "old").write_text("x")
    with unpacked(package, home) as place, container(place, tmp_path, "toy.echo") as toys:
        ask(toys)
        assert not (home / "old").exists()
        assert not any((home / "root").iterdir())  # mounts are the process's own
    assert not home.exists()
