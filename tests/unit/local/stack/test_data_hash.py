from pathlib import Path

import pytest

from local.stack.data_hash import data_hash


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
