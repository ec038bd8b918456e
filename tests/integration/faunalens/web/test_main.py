"""`python -m faunalens.web`, as `make serve` and a container start it: one process, stores from the environment."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path

import pytest

from chalicelib.config.settings import ROOT
from faunalens.web.__main__ import main
from local.stack.child_process import ChildProcess
from local.stack.ports import HOST, free_port, http_get
from local.stack.valkey import ValkeyServer
from tests.support.pictures import SYDNEY, exif, jpeg
from tests.support.tiny_model import PACK_MANIFEST, tiny_model, write, write_pack


class Server(ChildProcess):
    """`python -m faunalens.web` on a free port."""

    def __init__(self, log: Path, **environment: str) -> None:
        self.port = free_port()
        command = [sys.executable, "-m", "faunalens.web", "--port", str(self.port)]
        super().__init__("the server", command, log=log, environment={**os.environ, **environment})

    def is_up(self) -> bool:
        try:
            return http_get(self.port, "/openapi.json", 5.0)[0] == 200
        except OSError:
            return False


@pytest.fixture
def server(tmp_path: Path, loaded_database: str, loaded_valkey: ValkeyServer) -> Iterator[Server]:
    with Server(tmp_path / "log", DATABASE_URL=loaded_database, REDIS_URL=loaded_valkey.url) as server:
        server.wait_until(server.is_up, 30)
        yield server


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "faunalens.web", *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        check=False,
        timeout=60,
    )


def test_it_serves_with_the_stores_of_the_environment(server: Server) -> None:
    # WHEN the server has started THEN it says where, and all of its parts work
    assert server.log is not None
    address = f"http://127.0.0.1:{server.port}"
    assert server.log.read_text().startswith(f"serving {address}; Ctrl-C or SIGTERM stops the server\n")
    health = json.loads(http_get(server.port, "/health?deep=true", 10.0)[2])
    assert health["status"] == "ok"
    assert {health[part]["state"] for part in ("model", "cache", "database")} == {"ok"}
    # AND the database is asked only on request
    assert json.loads(http_get(server.port, "/health", 10.0)[2])["database"]["state"] == "not_asked"


def test_ctrl_c_finishes_running_requests(server: Server) -> None:
    # GIVEN a client that has sent half a photo, and one with an idle connection
    photo = jpeg(exif=exif(SYDNEY))
    head = f"POST /identify HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/jpeg\r\nContent-Length: {len(photo)}\r\n"
    head += "Expect: 100-continue\r\n"
    with (
        socket.create_connection((HOST, server.port), timeout=20) as sender,
        closing(HTTPConnection(HOST, server.port, timeout=20)) as idle,
    ):
        idle.request("GET", "/openapi.json")
        idle.getresponse().read()
        sender.sendall(head.encode() + b"\r\n")
        assert sender.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"  # the request has arrived
        sender.sendall(photo[:100])
        # WHEN the server gets SIGINT
        os.kill(server.pid, signal.SIGINT)
        # THEN it closes the idle connection, and accepts no other
        assert idle.sock.recv(1) == b""
        with pytest.raises(OSError):  # refused or reset
            http_get(server.port, "/openapi.json", 5.0)
        # AND it answers the photo
        sender.sendall(photo[100:])
        response = HTTPResponse(sender)
        response.begin()
        assert (response.status, json.loads(response.read())["location"]["source"]) == (200, "exif")
        response.close()
    # AND ends without an error
    assert server.wait(20) == 0
    assert server.log is not None
    assert "Traceback" not in server.log.read_text()


def test_a_low_limit_of_open_files_is_raised_for_the_connections(tmp_path: Path) -> None:
    # GIVEN a shell whose programs may open few files at first, as many do
    port, log = free_port(), tmp_path / "log"
    command = ["sh", "-c", f"ulimit -S -n 100; exec {sys.executable} -m faunalens.web --port {port}"]
    with ChildProcess("the server", command, log=log, environment=dict(os.environ)) as process:
        process.wait_until(lambda: log.read_text().startswith("serving "), 30)
        # WHEN more connections are open than that THEN a request is answered all the same
        with ExitStack() as held:
            for _ in range(150):
                held.enter_context(socket.create_connection((HOST, port), timeout=10))
            assert http_get(port, "/healthz", 5.0)[0] == 200


def test_the_help_says_what_can_be_set() -> None:
    done = run("--help")
    assert done.returncode == 0
    for expected in ("--host", "--port", "default: 8000", "DATABASE_URL", "REDIS_URL", "HTTP_HOSTS", "SIGTERM"):
        assert expected in done.stdout


def test_a_port_that_is_taken_is_one_line_with_what_to_do() -> None:
    with socket.create_server((HOST, 0)) as other:
        port = other.getsockname()[1]
        done = run("--port", str(port))
    expected = f"the server cannot start: port {port} is taken by another program; choose another with --port\n"
    assert (done.returncode, done.stdout, done.stderr) == (1, "", expected)


@pytest.mark.parametrize(
    ("host", "settings", "expected"),
    [
        ("192.0.2.1", {}, "this machine has no address 192.0.2.1; listen on 127.0.0.1, or on 0.0.0.0 for all"),
        (
            "no.such.host.invalid",
            {},
            "host 'no.such.host.invalid' is unknown; give an address of this machine",
        ),
        (HOST, {"PHOTO_MAX_BYTES": "much"}, "PHOTO_MAX_BYTES"),  # a setting of the application
        (HOST, {"HTTP_WORKERS": "-1"}, "HTTP_WORKERS"),  # a setting of the server
        (HOST, {"PHOTO_DECODE_BYTES": "1000000000000000"}, "PHOTO_DECODE_BYTES"),  # more memory than this machine has
        (HOST, {"MODEL_PATH": "nowhere.onnx"}, "nowhere.onnx"),
        (HOST, {"PACKS_PATH": "nowhere"}, "no pack is built and enabled in nowhere (PACKS_PATH or --pack)"),
    ],
)
def test_what_prevents_the_start_is_one_line(host: str, settings: dict[str, str], expected: str) -> None:
    done = run("--host", host, "--port", str(free_port()), **settings)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1), done.stderr
    assert done.stderr.startswith("the server cannot start")
    assert expected in done.stderr


def test_a_pack_or_a_table_that_would_fail_each_photo_prevents_the_start(tmp_path: Path) -> None:
    # GIVEN a pack whose model takes other sides than its manifest says, as no photo has shown yet
    pack = write_pack(tmp_path, manifest=PACK_MANIFEST.replace("size = 8", "size = 9"))
    done = run("--port", str(free_port()), PACKS_PATH=str(pack.parent))
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1), done.stderr
    assert "inference with pack foxes failed" in done.stderr
    # AND a table of one's own model with other columns
    model = write(tmp_path, tiny_model())
    (tmp_path / "members.csv").write_text("a,b\n")
    pack.with_suffix(".onnx").unlink()
    done = run("--port", str(free_port()), MODEL_PATH=str(model))
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1), done.stderr
    assert "members.csv has the columns a,b; expected taxon,member,rank" in done.stderr


@pytest.mark.parametrize("port", ["70000", "0", "http"])
def test_an_invalid_port_is_a_usage_error(
    port: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["web", f"--port={port}"])
    with pytest.raises(SystemExit, match="2"):
        main()
    assert f"port '{port}' is invalid; give a number from 1 to 65535" in capsys.readouterr().err


def test_make_serve_passes_port_and_host() -> None:
    # GIVEN a shell that exports HOST, as tcsh does, and no other make around this one, which `make test` would be
    environment = {name: value for name, value in os.environ.items() if name != "PORT" and "MAKE" not in name}
    for more, expected in (([], "--port 8000"), (["PORT=8005", "HOST=::"], "--port 8005 --host ::")):
        command = ["make", "--dry-run", "serve", *more]
        environment["HOST"] = "my-desk"
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment, check=True)
        assert done.stdout.splitlines()[-1].endswith(f"-m faunalens.web {expected}")
