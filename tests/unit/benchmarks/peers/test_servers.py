"""The servers of the comparison start, and a server that cannot start is an error."""

import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from benchmarks.peers import servers
from benchmarks.peers.servers import OURS, SERVERS, Server, served
from local import NotReady


def test_every_server_is_a_module_and_only_ours_needs_the_environment_of_the_project() -> None:
    assert all(find_spec(server.module) for server in SERVERS.values())
    assert [name for name, server in SERVERS.items() if not server.peer] == [OURS]


def test_a_server_that_exits_is_started_again_and_then_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN a module that exits at once and notes that it ran
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(servers, "START_SECONDS", 20.0)
    (tmp_path / "broken.py").write_text(
        "open('ran', 'a').write('x')\nraise SystemExit('broken: no model')", encoding="utf-8"
    )
    monkeypatch.chdir(tmp_path)
    with (
        pytest.raises(NotReady, match="broken exited with code 1: broken: no model"),
        served(Server("broken"), Path(sys.executable), {}, tmp_path / "log", b"photo"),
    ):
        pytest.fail("a server that does not run was yielded")
    assert (tmp_path / "ran").read_text(encoding="utf-8") == "x" * servers.START_ATTEMPTS
