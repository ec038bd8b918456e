"""Programs that benchmarks run in fresh processes work with the modules of today."""

import pytest

from benchmarks import load, start
from benchmarks.measure import run_fresh

pytestmark = pytest.mark.alone

PROGRAMS = {"ready": start.READY, "session": start.OPEN_SESSION}


@pytest.mark.parametrize("code", PROGRAMS.values(), ids=PROGRAMS.keys())
def test_a_start_runs(code: str) -> None:
    run_fresh(code, {"DATABASE_URL": "postgresql://a@127.0.0.1:9/b", "REDIS_URL": "redis://127.0.0.1:9"})


def test_occurrences_are_counted_by_the_loader_and_by_a_bare_statement(capsys: pytest.CaptureFixture[str]) -> None:
    # WHEN some occurrences are generated and counted, each way in a process of its own
    load.main(["--rows", "20000", "--rounds", "1"])
    # THEN the table compares both
    bare, loaded = (
        [each.strip() for each in line.split("|")[1:-1]] for line in capsys.readouterr().out.splitlines()[2:]
    )
    assert (bare[:2], bare[5], bare[8]) == (["20,000", "bare"], "1.00", "")
    # AND the loader finds hundreds of pairs of a name and a cell
    assert loaded[:2] == ["20,000", "load"]
    assert int(loaded[7].replace(",", "")) > 1000
