"""What tests of the command share."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from faunalens.cli.__main__ import run
from faunalens.study.results import ResultsFile
from tests.stand_ins import packages  # noqa: F401  a fixture
from tests.support.studies import write_study

type Command = Callable[..., str]


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Command:
    """Run `faunalens`, which is to end with the exit code `code`. Return what it prints."""

    def run_to_end(*arguments: object, code: int = 0) -> str:
        assert run([*map(str, arguments)]) == code
        return "".join(capsys.readouterr())

    return run_to_end


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
