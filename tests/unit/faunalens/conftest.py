"""What tests of the command share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from faunalens.study.results import ResultsFile
from tests.stand_ins import packages  # noqa: F401  a fixture
from tests.support.studies import write_study


@pytest.fixture
def results(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ResultsFile]:
    """A results file: of the photos that the test's module has as `RESULTS`, or an empty one in memory."""
    photos = getattr(request.module, "RESULTS", None)
    if photos:
        write_study(tmp_path / "study.db", photos)
    with ResultsFile(tmp_path / "study.db" if photos else None, write=True) as results:
        yield results


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """The results file of the made-up study."""
    write_study(tmp_path / "study.db")
    return tmp_path / "study.db"
