"""The file of metrics is rotated, and the data are loaded again if their hash has changed."""

import stat
from pathlib import Path

import pytest

from chalicelib.telemetry.emf import Emitter
from chalicelib.telemetry.record import Notes
from cloudwatch.preview.recording import Recording
from local.stack.dev_stack import data_hash, rotate


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


def test_a_small_file_and_a_missing_file_stay_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    rotate(path, 3)
    path.write_text("abc")
    rotate(path, 3)
    assert [each.name for each in tmp_path.iterdir()] == ["metrics.jsonl"]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with one file of data."""
    (tmp_path / "database").mkdir()
    (tmp_path / "model").mkdir()
    (tmp_path / "database" / "areas.csv").write_text("area\nAU\n")
    return tmp_path


def test_it_stays_the_same_until_a_file_changes(checkout: Path) -> None:
    loaded = data_hash(checkout)
    # WHEN only the time stamp of a file changes
    (checkout / "database" / "areas.csv").touch()
    # THEN the data are current
    assert data_hash(checkout) == loaded
    # WHEN its contents change
    (checkout / "database" / "areas.csv").write_text("area\nNZ\n")
    # THEN the data are outdated
    assert data_hash(checkout) != loaded


@pytest.mark.parametrize(
    "name",
    [
        "database/schema.sql",
        "database/cells.csv.gz",
        "database/ranges/birds.csv",
        "database/ranges/language.py",
        "model/taxa.csv",
        "model/packs/birds.csv",
        "model/packs/birds.toml",
    ],
)
def test_a_new_source_makes_the_data_outdated(checkout: Path, name: str) -> None:
    loaded = data_hash(checkout)
    # WHEN a new file with data, schema or loading code appears
    (checkout / name).parent.mkdir(exist_ok=True)
    (checkout / name).write_bytes(b"new")
    # THEN the data are outdated
    assert data_hash(checkout) != loaded


def test_another_model_has_its_own_data(checkout: Path, tmp_path: Path) -> None:
    # GIVEN the checkout's data, loaded
    loaded = data_hash(checkout)
    # WHEN the user serves their own model, with its animals beside it
    own = tmp_path / "own"
    own.mkdir()
    (own / "ranges.csv").write_text("taxon,areas\n")
    # THEN its data have to be loaded, and again when they change
    other = data_hash(checkout, own)
    assert other not in (loaded, "")
    assert data_hash(checkout, own) == other
    (own / "ranges.csv").write_text("taxon,areas\nhyla-arborea,DE\n")
    assert data_hash(checkout, own) != other
    # AND the checkout's own model needs the checkout's data again
    assert data_hash(checkout) == loaded
