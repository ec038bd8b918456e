"""Setup's packs: fetched, converted and kept; missing without weights, and an error with wrong ones."""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import onnx
import pytest

from chalicelib.config.settings import ROOT
from chalicelib.model.manifest import Manifest, Weights
from chalicelib.model.packs import LABEL_COLUMNS, Pack
from local.stack.ports import serving
from model.build_packs import INCOMPLETE, VARIABLE, WeightsUnavailable, get_weights, main
from tests.support.pictures import scene
from tests.unit.model.tiny_tflite import CLASSES, SIZE, tflite_bytes, tiny_operators

DATA = tflite_bytes(tiny_operators())
PATH = f"/owner/name/{'c' * 40}/tiny.tflite"
MANIFEST = f"""
kind = "classifier"
enabled = true
taxa = ["Mammalia"]
gate = 0.5
temperature = 0.8
licence = "CC0-1.0"
author = "these tests"

[weights]
repository = "owner/name"
commit = "{"c" * 40}"
path = "tiny.tflite"
sha256 = "{hashlib.sha256(DATA).hexdigest()}"

[input]
size = {SIZE}

[outputs]
labels = "tiny.csv"
background = {CLASSES - 1}
"""


class WeightsHost(ThreadingHTTPServer):
    """A host of files in place of the one that publishes the weights of packs.

    `files`: bytes by path. `cut`: number of bytes after which it closes the connection. `asked`: paths of all requests.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files: dict[str, bytes] = {PATH: DATA, ADDRESS: BYTES}
        self.cut: int | None = None
        self.asked: list[str] = []
        self.url = f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: WeightsHost

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        data = self.server.files.get(self.path)
        if data is None:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data[: self.server.cut])

    def log_message(self, *_arguments: object) -> None:
        """Log nothing."""


@pytest.fixture
def upstream() -> Iterator[WeightsHost]:
    with serving(host := WeightsHost()):
        yield host


@pytest.fixture(autouse=True)
def _no_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with two packs of the same weights, and one that is off."""
    folder = tmp_path / "packs"
    folder.mkdir()
    rows = [f"{i},,{i},fox-{i},fox {i},Fox {i},species,wild,,Mammalia,,,," for i in range(CLASSES - 1)]
    (folder / "tiny.csv").write_text("\n".join([",".join(LABEL_COLUMNS), *rows]) + "\n")
    for name, text in (("one", MANIFEST), ("two", MANIFEST), ("off", MANIFEST.replace("true", "false"))):
        (folder / f"{name}.toml").write_text(text)
    return folder


def build(folder: Path, host: str = "http://127.0.0.1:1") -> int:
    return main(["--folder", str(folder), "--cache", str(folder.parent / "cache"), "--host", host])


def built(folder: Path) -> list[str]:
    return sorted(path.stem for path in folder.glob("*.onnx"))


def test_packs_are_fetched_once_and_converted(
    folder: Path, upstream: WeightsHost, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN packs and the host of their weights; WHEN they are built twice
    assert build(folder, upstream.url) == 0
    first = (folder / "one.onnx").read_bytes()
    assert build(folder, upstream.url) == 0
    # THEN those that are enabled are there, made of one download, with the same bytes each time
    assert built(folder) == ["one", "two"]
    assert upstream.asked == [PATH]
    assert (folder / "one.onnx").read_bytes() == first
    # AND the output names each step
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"packs: getting one from {upstream.url}{PATH}"
    assert lines[1].startswith("packs: one built, ")
    # AND the file says where it comes from, and the app can use it
    properties = {each.key: each.value for each in onnx.load(folder / "one.onnx").metadata_props}
    assert properties["licence"] == "CC0-1.0"
    assert "owner/name at ccc" in properties["source"]
    pack = Pack(Manifest.read(folder / "one.toml"), threads=1)
    assert pack.score(np.asarray(scene(64, 64))).shape == (CLASSES - 1,)


def test_without_weights_one_line_says_so(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN no network, and a pack that was built of other weights before
    (folder / "one.onnx").write_bytes(b"old")
    # WHEN the packs are built; THEN setup can go on
    assert build(folder) == INCOMPLETE
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("packs: the general model works alone, without one, two: http://127.0.0.1:1/owner/name/")
    assert "cannot be reached" in line
    assert line.endswith("run it again with a network, or set FAUNALENS_WEIGHTS to a folder with their files")
    # AND no pack is left that is not made of its weights
    assert built(folder) == []


def test_a_wrong_checksum_is_an_error(folder: Path, upstream: WeightsHost, capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN a host with other bytes; WHEN the packs are built; THEN setup fails, and names address and checksums
    upstream.files[PATH] = b"other"
    assert build(folder, upstream.url) == 1
    *_, line = capsys.readouterr().err.splitlines()  # behind the progress
    assert line.startswith(f"error: the packs were not built: {upstream.url}{PATH} has SHA-256 d9298a")
    assert built(folder) == []


def test_a_folder_is_used(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN the weights in a folder; WHEN the variable names it; THEN no network is needed
    (folder.parent / "tiny.tflite").write_bytes(DATA)
    monkeypatch.setenv(VARIABLE, str(folder.parent))
    assert build(folder) == 0
    assert built(folder) == ["one", "two"]

    # BUT a folder that is not there is an error
    monkeypatch.setenv(VARIABLE, str(folder / "nowhere"))
    assert build(folder) == 1
    assert "which is not a folder" in capsys.readouterr().err


@pytest.fixture
def checkout(tmp_path: Path, folder: Path) -> Path:
    """A checkout in which `local/build_packs` runs, with the packs of `folder`."""
    checkout = tmp_path / "checkout"
    for name in ("local", "model", "chalicelib"):
        shutil.copytree(ROOT / name, checkout / name, ignore=shutil.ignore_patterns("packs", "__pycache__", "*.onnx"))
    shutil.copytree(folder, checkout / "model" / "packs")
    shutil.copy(ROOT / "requirements-dev.txt", checkout)
    (checkout / ".venv" / "bin").mkdir(parents=True)
    (checkout / ".venv" / "bin" / "python").write_text(f'#!/bin/sh\necho run >>runs\nexec {sys.executable} "$@"\n')
    (checkout / ".venv" / "bin" / "python").chmod(0o755)
    return checkout


def setup(checkout: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    variables = {**os.environ, "PYTHONPATH": "", **environment}
    command = ["sh", "local/build_packs"]
    return subprocess.run(command, cwd=checkout, env=variables, capture_output=True, text=True, check=False)


def runs(checkout: Path) -> int:
    return len((checkout / "runs").read_text().split())


def test_setup_builds_packs_once_and_again_if_one_changes(checkout: Path, folder: Path) -> None:
    # GIVEN a checkout; WHEN setup runs twice
    (folder.parent / "tiny.tflite").write_bytes(DATA)
    done = setup(checkout, FAUNALENS_WEIGHTS=str(folder.parent))
    assert (done.returncode, done.stderr) == (0, "")
    again = setup(checkout)
    # THEN the second time nothing is to be done
    assert (again.returncode, again.stdout, again.stderr, runs(checkout)) == (0, "", "", 1)
    # WHEN a manifest changes, or a pack is lost; THEN the packs are built again, from the cache
    manifest = checkout / "model" / "packs" / "one.toml"
    manifest.write_text(manifest.read_text().replace("0.8", "0.9"))
    assert setup(checkout).returncode == 0
    (checkout / "model" / "packs" / "two.onnx").unlink()
    assert setup(checkout).returncode == 0
    assert (runs(checkout), built(checkout / "model" / "packs")) == (3, ["one", "two"])


def test_setup_goes_on_without_weights_and_tries_again(checkout: Path, folder: Path) -> None:
    # GIVEN a folder that lacks the file; WHEN setup runs; THEN it goes on with one line
    done = setup(checkout, FAUNALENS_WEIGHTS=str(folder))
    assert done.returncode == 0
    assert len(done.stderr.splitlines()) == 1
    # WHEN the file is there; THEN the next setup builds the packs
    (folder / "tiny.tflite").write_bytes(DATA)
    assert setup(checkout, FAUNALENS_WEIGHTS=str(folder)).returncode == 0
    assert built(checkout / "model" / "packs") == ["one", "two"]
    # BUT a wrong file is an error
    shutil.rmtree(checkout / ".local")
    (checkout / "model" / "packs" / "one.onnx").unlink()
    (folder / "tiny.tflite").write_bytes(b"other")
    done = setup(checkout, FAUNALENS_WEIGHTS=str(folder))
    assert done.returncode == 1
    assert "has SHA-256" in done.stderr


# --- weights: from the cache or a host, always checked; a missing file differs from a wrong one


BYTES = bytes(range(256)) * 1000
WEIGHTS = Weights("owner/name", "c" * 40, "models/a b.tflite", hashlib.sha256(BYTES).hexdigest())
ADDRESS = f"/owner/name/{'c' * 40}/models/a%20b.tflite"


def test_a_damaged_cache_is_replaced(tmp_path: Path, upstream: WeightsHost, capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN a cached file that was damaged on disk
    get_weights(WEIGHTS, tmp_path, host=upstream.url).write_bytes(b"damaged")
    assert "a b.tflite: 0.3 of 0.3 MB" in capsys.readouterr().err
    # WHEN it is wanted; THEN it is fetched again
    assert get_weights(WEIGHTS, tmp_path, host=upstream.url).read_bytes() == BYTES
    assert upstream.asked == [ADDRESS] * 2


def test_what_cannot_be_had_is_said(tmp_path: Path, upstream: WeightsHost) -> None:
    # GIVEN a folder without the file, a host without it, and one that closes the connection
    with pytest.raises(WeightsUnavailable, match=r"a b\.tflite cannot be read \(No such file"):
        get_weights(WEIGHTS, tmp_path / "cache", tmp_path)
    upstream.files.clear()
    with pytest.raises(WeightsUnavailable, match="answers 404 Not Found"):
        get_weights(WEIGHTS, tmp_path / "cache", host=upstream.url)
    upstream.files[ADDRESS], upstream.cut = BYTES, 100_000
    with pytest.raises(WeightsUnavailable, match="ended after 100,000 of 256,000 bytes"):
        get_weights(WEIGHTS, tmp_path / "cache", host=upstream.url)
