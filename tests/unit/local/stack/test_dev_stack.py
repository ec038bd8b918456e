"""The file of metrics is rotated, and the data are loaded again if their hash has changed."""

import errno
import stat
from pathlib import Path
from unittest.mock import Mock

import pytest

from chalicelib.telemetry.emf import Emitter
from chalicelib.telemetry.record import Notes
from dashboards.preview.recording import Recording
from local.stack.dev_stack import argument_parser, data_hash, rotate, run_stack
from local.stack.terminal import ShutdownEvent


def test_the_follower_reads_every_record_across_rotations(tmp_path: Path) -> None:
    # GIVEN an app that writes metrics, and dashboards that follow them
    path = tmp_path / "metrics.jsonl"
    emitter, recording = Emitter("faunalens", "test", path), Recording(path, "a file")
    for number in range(50):
        # WHEN the file is rotated again and again, before and after it is read
        emitter.emit(Notes({"Requests": 1}, {"request_id": f"r-{number}"}))
        if number % 3:
            # THEN no record is missing and none comes twice
            assert recording.read_new_lines() == number + 1
        rotate(path, 500)
    # AND there are two files of bounded size, which only this user may read
    files = sorted(tmp_path.iterdir())
    assert {each.name for each in files} <= {"metrics.jsonl", "metrics.jsonl.1"}
    for each in files:
        assert each.stat().st_size < 1500
        assert stat.S_IMODE(each.stat().st_mode) == 0o600


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with one file of data."""
    (tmp_path / "model").mkdir()
    (tmp_path / "faunalens" / "data").mkdir(parents=True)
    (tmp_path / "faunalens" / "data" / "areas.csv").write_text("area\nAU\n")
    return tmp_path


@pytest.mark.parametrize(
    "name",
    [
        "faunalens/data/areas.csv",
        "faunalens/data/schema.sql",
        "faunalens/data/ranges/birds.csv",
        "model/taxa.csv",
        "model/packs/birds.toml",
    ],
)
def test_the_data_are_loaded_again_if_a_source_is_new_or_has_other_contents(checkout: Path, name: str) -> None:
    loaded = data_hash(checkout)
    # WHEN only the time stamp of a file changes THEN the data are current
    (checkout / "faunalens" / "data" / "areas.csv").touch()
    assert data_hash(checkout) == loaded
    # WHEN a file with data, schema or loading code has other contents THEN they are outdated
    (checkout / name).parent.mkdir(parents=True, exist_ok=True)
    (checkout / name).write_bytes(b"new")
    assert data_hash(checkout) != loaded


def test_another_model_has_its_own_data(checkout: Path) -> None:
    # GIVEN the user's own model, with its animals beside it
    own = checkout / "own"
    own.mkdir()
    (own / "ranges.csv").write_text("taxon,areas\n")
    # THEN its data have to be loaded, and again when they change
    loaded, other = data_hash(checkout), data_hash(checkout, own)
    assert other not in (loaded, "")
    (own / "ranges.csv").write_text("taxon,areas\nhyla-arborea,DE\n")
    assert data_hash(checkout, own) != other
    # AND the checkout's own model needs the checkout's data again
    assert data_hash(checkout) == loaded
    # AND beside a model in the checkout itself, the data of the checkout still count
    inside = data_hash(checkout, checkout)
    (checkout / "faunalens" / "data" / "areas.csv").write_text("area\nNZ\n")
    assert data_hash(checkout, checkout) != inside


@pytest.mark.parametrize("port", ["0", "65536", "http"])
def test_a_number_out_of_range_is_one_clear_line(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        argument_parser("Run.").parse_args(["--port", port])
    assert f"{port} is not a port; choose one from 1024 to 65535, such as PORT=8000" in capsys.readouterr().err


def test_a_checkout_that_cannot_be_written_is_one_clear_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN a checkout on a disk that is read-only
    read_only = OSError(errno.EROFS, "Read-only file system", ".local/run-8000")
    monkeypatch.setattr("local.stack.dev_stack.DevStack", Mock(side_effect=read_only))
    monkeypatch.setattr(ShutdownEvent, "on_signals", Mock())
    # WHEN a run starts THEN it ends with a line that names the command and the folder
    assert run_stack("make run", argument_parser("Run.").parse_args([]), lambda _: None) == 1
    assert capsys.readouterr().err == "make run: [Errno 30] Read-only file system: '.local/run-8000'\n"
