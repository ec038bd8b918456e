"""`python -m cloudwatch preview` and `render` as somebody types them."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from itertools import islice
from pathlib import Path

import pytest
from PIL import Image

from cloudwatch.preview import server
from cloudwatch.preview.render import WIDTH
from cloudwatch.simulation.command import lines
from local.stack.ports import free_port

PREVIEW = [sys.executable, "-m", "cloudwatch", "preview"]
PATIENCE = 30.0


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An hour of the simulated day, as a file."""
    path = tmp_path_factory.mktemp("recorded") / "hour.jsonl"
    path.write_text("".join(text for _, text in islice(lines(), 60)))
    return path


@contextmanager
def previewed(*options: str | Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The command, and the first line that it says."""
    command = [*PREVIEW, *(str(option) for option in options)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            yield process, process.stdout.readline()
        finally:
            process.kill()


def test_it_serves_a_recording_until_it_is_ended(recorded: Path) -> None:
    # GIVEN the command on a free port
    with previewed("--file", recorded, "--port", "0") as (process, said):
        # THEN it says what it shows, and where
        what, _, rest = said.partition(": http://")
        assert what == "Recorded in hour.jsonl"
        address, _, path = rest.split()[0].partition("/")
        connection = HTTPConnection(address, timeout=PATIENCE)
        connection.request("GET", f"/{path}data/overview")
        assert connection.getresponse().status == 200
        connection.close()
        # THEN whoever asks for anything else is led there
        connection.request("GET", "/")
        response = connection.getresponse()
        assert (response.status, response.headers["Location"]) == (302, "/dashboards/")
        connection.close()
        # THEN Ctrl-C ends it without a stack trace
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=PATIENCE)
        assert (process.returncode, errors) == (0, "")


def test_a_taken_port_is_one_clear_line(recorded: Path) -> None:
    with previewed("--file", recorded, "--port", "0") as (_, said):
        port = said.rpartition(":")[2].partition("/")[0]
        done = subprocess.run(
            [*PREVIEW, "--file", recorded, "--port", port],
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr == f"port {port} cannot be used (Address already in use); choose another with --port\n"


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"there is no file .*none\.jsonl; record one with METRICS_FILE"):
        server.main(["--file", str(tmp_path / "none.jsonl")])


@pytest.mark.parametrize("stretch", ["0", "-1", "many", "1e9"])
def test_a_stretch_that_is_none_is_refused(stretch: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        server.main(["--stretch", stretch, "--port", str(free_port())])
    assert "argument --stretch" in capsys.readouterr().err


def test_pictures_are_taken_of_every_dashboard(recorded: Path, tmp_path: Path) -> None:
    # WHEN pages and pictures are written
    options = ["--out", str(tmp_path), "--file", str(recorded), "--range", "1h", "--png", "--height", "300", "--dark"]
    command = [sys.executable, "-m", "cloudwatch", "render", *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=3 * PATIENCE, check=True)
    # THEN there is a picture of each, of the size and the look that were asked for
    pictures = sorted(tmp_path.glob("*.png"))
    assert [path.stem for path in pictures] == ["cost", "features", "model", "service"]
    for path in pictures:
        with Image.open(path) as picture:
            assert picture.size == (WIDTH, 300)
            assert picture.convert("L").getpixel((5, 200)) < 50  # type: ignore[operator]  # a number
    # THEN it says what it wrote
    assert f"{tmp_path / 'service.png'}  " in done.stdout
    assert "taking pictures: " in done.stderr
