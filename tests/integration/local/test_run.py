"""`make run`: when it is ready, and which errors it does not wait for."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from chalicelib.config.settings import ROOT
from local import LocalError
from local.run import is_healthy
from local.stack.ports import free_port


def answering(health: dict[str, str]) -> Callable[..., tuple[int, dict[str, str], bytes]]:
    """Stand in for requests to an app of this health."""
    return lambda *_, **__: (200, {}, json.dumps(health).encode())


def test_it_is_ready_when_all_dependencies_are_healthy(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not is_healthy(free_port())
    for health, ready in (({"status": "ok"}, True), ({"status": "degraded"}, False), ({"code": "unavailable"}, False)):
        monkeypatch.setattr("local.run.http_get", answering(health))
        assert is_healthy(8000) is ready
    # AND a model that cannot run, which waiting does not change, is an error at once
    monkeypatch.setattr("local.run.http_get", answering({"status": "down"}))
    with pytest.raises(LocalError, match=r"inference with the model fails"):
        is_healthy(8000)


def run(model: Path | str) -> subprocess.CompletedProcess[str]:
    """Run the stack with a model until it fails."""
    command = [sys.executable, "-m", "local.run", "--port", str(free_port())]
    variables = {**os.environ, "MODEL_PATH": str(model)}
    return subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, timeout=60, check=False)


def test_a_missing_model_is_reported_before_anything_starts() -> None:
    # GIVEN a relative path at which there is no file; WHEN the stack starts with it
    done = run("my/nope.onnx")
    # THEN nothing starts, and one line has the full path and a remedy that fits
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"make run: MODEL_PATH is my/nope.onnx, but {ROOT}/my/nope.onnx is not a file that this user may read; "
        "set MODEL_PATH to an ONNX model, or unset it to use the one that `make setup` builds\n"
    )


def test_a_file_that_is_no_model_is_reported_with_its_full_path(tmp_path: Path) -> None:
    # GIVEN a file that is not an ONNX model; WHEN the stack starts with it
    (tmp_path / "photo.onnx").write_bytes(b"not a model")
    for name in ("labels.csv", "taxa.csv"):  # so that loading the data does not fail first
        shutil.copy(ROOT / "model" / name, tmp_path / name)
    done = run(tmp_path / "photo.onnx")
    # THEN the stack fails and says which file, and that it is not a model
    assert done.returncode == 1
    assert f"the server cannot start with the model {tmp_path}/photo.onnx: " in done.stderr
    assert done.stderr.endswith("make run: the app exited by itself with code 1: see the output above\n")
