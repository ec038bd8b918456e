"""The programs that benchmarks run in fresh processes work with the modules of today."""

import pytest

from benchmarks import start
from benchmarks.measure import run_fresh

PROGRAMS = {
    "ready": start.READY,
    **start.OPEN_SESSION,
}


@pytest.mark.parametrize("code", PROGRAMS.values(), ids=PROGRAMS.keys())
def test_a_program_runs(code: str) -> None:
    run_fresh(code, {"DATABASE_URL": "postgresql://a@127.0.0.1:9/b", "REDIS_URL": "redis://127.0.0.1:9"})
