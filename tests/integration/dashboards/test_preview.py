"""`python -m dashboards preview` as a process."""

import json
import signal
import socket
import subprocess
import sys
from contextlib import ExitStack, closing
from http.client import HTTPConnection
from itertools import islice
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest

from dashboards.preview import server
from dashboards.preview.pages import Pages
from dashboards.preview.recording import Recording
from dashboards.simulation.day import lines
from tests.integration.dashboards.serving import serving

PREVIEW = [sys.executable, "-m", "dashboards", "preview"]
PATIENCE = 30.0


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an hour of the simulated day as a file."""
    path = tmp_path_factory.mktemp("recorded") / "hour.jsonl"
    path.write_text("".join(islice(lines(), 60)))
    return path


def test_a_taken_port_is_reported_before_the_day_is_simulated() -> None:
    with socket.create_server((server.HOST, 0)) as taken:
        port = str(taken.getsockname()[1])
        done = subprocess.run([*PREVIEW, "--port", port], capture_output=True, text=True, timeout=PATIENCE, check=False)
    why = "Address already in use"
    hint = "choose another port with --port, or with PORT= for make"
    assert (done.returncode, done.stderr) == (1, f"port {port} cannot be used ({why}); {hint}\n")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_until_a_signal_also_where_a_shell_has_it_ignored(recorded: Path, number: signal.Signals) -> None:
    # GIVEN the command on a free port, as a background job of a script, which ignores SIGINT
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    command = [*PREVIEW, "--file", str(recorded), "--port", "0"]
    try:
        with (
            subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process,
            ExitStack() as end,
        ):
            end.callback(process.kill)  # otherwise a failure would wait for the process for ever
            # THEN it prints its source and its address, and serves there
            assert process.stdout
            what, _, rest = process.stdout.readline().partition(": ")
            assert what == "Recorded in hour.jsonl"
            with urlopen(f"{rest.split()[0]}data/overview", timeout=PATIENCE) as answer:  # noqa: S310, it is this machine
                assert answer.status == 200
            # WHEN it is signalled THEN it ends without a stack trace
            process.send_signal(number)
            _, errors = process.communicate(timeout=PATIENCE)
    finally:
        signal.signal(signal.SIGINT, before)
    assert (process.returncode, errors) == (0, "")


def test_one_connection_serves_many_requests(recorded: Path) -> None:
    # GIVEN a connection WHEN it is used again and again
    with (
        serving(Pages(Recording(recorded, "an hour"))) as url,
        closing(HTTPConnection(urlsplit(url).netloc, timeout=PATIENCE)) as connection,
    ):
        sockets, answers = set(), []
        for method, path in (
            *(("GET", "/static/app.js"), ("HEAD", "/static/app.js"), ("GET", "")),
            *(("GET", "/nowhere"), ("GET", "/data/service?stage=prod&range=a%20b")),
        ):
            connection.request(method, f"/dashboards{path}")
            response = connection.getresponse()
            sockets.add(connection.sock)
            answers.append((response.status, response.headers, response.read().decode()))
    # THEN the server keeps it open; HEAD has the headers of GET and no body
    assert len(sockets) == 1
    (_, headers, body), (_, of_head, nothing), redirect, unknown, query = answers
    assert headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert (of_head["Content-Length"], nothing) == (str(len(body.encode())), "")
    # THEN there are a redirect, and errors as JSON; the query is decoded
    assert [answer[0] for answer in answers] == [200, 200, 302, 404, 404]
    assert redirect[1]["Location"] == "/dashboards/"
    assert "there is no page with this name" in json.loads(unknown[2])["detail"]
    assert "there is no time range 'a b'" in query[2]


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    message = r"file .*none\.jsonl does not exist; run the app with METRICS_FILE to record it"
    with pytest.raises(SystemExit, match=message):
        server.main(["--file", str(tmp_path / "none.jsonl")])
