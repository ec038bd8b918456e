"""What tests of the command share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.results import ResultsFile
from tests.support.studies import write_study


@pytest.fixture
def results() -> Iterator[ResultsFile]:
    """A results file in memory."""
    with ResultsFile(None, write=True) as results:
        yield results


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """The results file of the made-up study."""
    write_study(tmp_path / "study.db")
    return tmp_path / "study.db"
