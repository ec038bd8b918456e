from pathlib import Path

import pytest

from local.data import DataStamp


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with one file of data."""
    (tmp_path / "database").mkdir()
    (tmp_path / "model").mkdir()
    (tmp_path / "database" / "areas.csv").write_text("area\nAU\n")
    return tmp_path


def test_data_that_were_never_loaded_are_not_current(checkout: Path) -> None:
    assert not DataStamp(checkout / "stamp", checkout).current()


def test_loaded_data_stay_current_until_a_file_changes(checkout: Path) -> None:
    # GIVEN data that were loaded
    stamp = DataStamp(checkout / "stamp", checkout)
    stamp.set()
    assert DataStamp(checkout / "stamp", checkout).current()
    # WHEN a file is touched only
    (checkout / "database" / "areas.csv").touch()
    # THEN nothing has to be loaded
    assert stamp.current()
    # WHEN its content changes
    (checkout / "database" / "areas.csv").write_text("area\nNZ\n")
    # THEN the data have to be loaded again
    assert not stamp.current()


@pytest.mark.parametrize("name", ["database/schema.sql", "database/cells.csv.gz", "database/seed.py", "model/taxa.csv"])
def test_a_new_source_makes_the_data_old(checkout: Path, name: str) -> None:
    # GIVEN loaded data
    stamp = DataStamp(checkout / "stamp", checkout)
    stamp.set()
    # WHEN one more file of data, schema or loading code appears
    (checkout / name).write_bytes(b"new")
    # THEN they have to be loaded again
    assert not stamp.current()
