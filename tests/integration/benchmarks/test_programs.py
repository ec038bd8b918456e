"""The programs that benchmarks run in fresh processes work with the modules of today."""

import pytest

from benchmarks import flush, package, start
from benchmarks.measure import run_fresh

PROGRAMS = {
    "ready": start.READY,
    **start.OPEN_SESSION,
    **{f"flush: {name}": code for name, code in flush.IMPORTS.items()},
    **{f"package: {name}": code for name, code in package.IMPORTS.items()},
}


@pytest.mark.parametrize("code", PROGRAMS.values(), ids=PROGRAMS.keys())
def test_a_program_runs(code: str) -> None:
    run_fresh(code, {"DATABASE_URL": "postgresql://a@127.0.0.1:9/b", "REDIS_URL": "redis://127.0.0.1:9"})
