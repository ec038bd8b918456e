"""The stores of a run, killed while it runs."""

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from local import LocalError
from local.stack import dev_stack
from local.stack.dev_stack import DevStack
from local.stack.ports import free_port
from local.stack.terminal import ShutdownEvent
from tests.support.feature_rig import copy_to_run


@pytest.fixture
def stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DevStack]:
    """Yield a stack that is not started, with its data in a temporary folder."""
    monkeypatch.setattr(dev_stack, "STATE_DIR", tmp_path)
    with ExitStack() as resources:
        yield DevStack(free_port(), ShutdownEvent(), resources)


def test_the_passwords_of_both_stores_are_in_a_file_that_only_this_user_may_read(
    stack: DevStack, capfd: pytest.CaptureFixture[str]
) -> None:
    # GIVEN the file of a run that was killed, which everybody may read
    copy_to_run(stack.folder)
    path = stack.folder / "environment"
    path.touch(mode=0o644)
    # WHEN the stores start
    environment = stack.launch_stores()
    # THEN the file has both addresses, each with a password, and only this user may read it and that of Valkey
    assert [each.stat().st_mode & 0o777 for each in (path, stack.cache.folder / "valkey.conf")] == [0o600] * 2
    written = path.read_text()
    passwords = []
    for name in ("REDIS_URL", "DATABASE_URL"):
        assert f"export {name}='{environment[name]}'\n" in written
        passwords.append(urlsplit(environment[name]).password)
    # AND no password is in the output or in a log
    stack.wait_for_stores(environment)
    shown = "".join(capfd.readouterr())
    shown += "".join(log.read_text("utf-8", "replace") for log in stack.folder.rglob("*.log"))
    assert shown
    assert not [password for password in passwords if password is None or password in shown]


def test_a_store_that_cannot_start_again_ends_the_run(stack: DevStack, monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN a stack whose Valkey finds no valid configuration any more
    stack.launch_stores()
    cache = stack.cache
    cache.wait_until_ready()
    monkeypatch.setattr(cache, "start_timeout", 1.5)  # longer than a busy machine needs to start it
    monkeypatch.setattr(cache, "_config", lambda: "nonsense\n")
    # WHEN it is killed THEN the run ends with its last words
    os.kill(cache.pid, signal.SIGKILL)
    with pytest.raises(LocalError, match="Valkey exited with code 1: Bad directive"):
        stack.run_until_shutdown()
