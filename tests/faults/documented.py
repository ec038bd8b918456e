"""Write the tables of docs/reference/faults.md from the cases: `python -m tests.faults.documented`."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from benchmarks.measure import table
from docs.generate import with_tables
from tests.faults import cluster_cases, other_cases, postgres_cases, redis_cases, tls_cases
from tests.faults.case import Expected, FaultCase, Row

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "faults.md"
HEAD = ["fault", "cached before", "mode", "cache", "codes", "within"]
REDIS: tuple[FaultCase[Any], ...] = (
    *redis_cases.CASES,
    *cluster_cases.PAIR_CASES,
    *cluster_cases.CLUSTER_CASES,
    *tls_cases.REDIS_CASES,
)
POSTGRES: tuple[FaultCase[Any], ...] = (*postgres_cases.CASES, *tls_cases.POSTGRES_CASES)


def tables() -> Mapping[str, str]:
    return {
        "redis": _table([*_rows(REDIS), *other_cases.REDIS]),
        "postgres": _table(_rows(POSTGRES)),
        "both": _table(_rows(other_cases.BOTH_CASES)),
        "sign-in": _sign_in_table(),
    }


def _rows(cases: Iterable[FaultCase[Any]]) -> list[Row]:
    return [Row(case.name, state, expected) for case in cases for state, expected in case.expected.items()]


def _table(rows: Iterable[Row]) -> str:
    """Return a table in which the states of a case with the same lookup share a row."""
    states: dict[tuple[str, Expected], list[str]] = {}
    for name, state, expected in rows:
        states.setdefault((name, expected), []).append(state)
    cells = [[name, ", ".join(some), *_cells(expected)] for (name, expected), some in states.items()]
    return table(cells, HEAD)


def _sign_in_table() -> str:
    """Return a table in which the cases of a store share a row, because all expect the same."""
    head = ["store", "sign-in takes", "between lookups", *HEAD[2:], "through within"]
    rows = []
    for store in dict.fromkeys(case.store for case in other_cases.SIGN_INS):
        cases = [case for case in other_cases.SIGN_INS if case.store == store]
        seconds = ", ".join(dict.fromkeys(f"{case.seconds:g}" for case in cases))
        (expected,) = {case.until_through for case in cases}
        rows.append([store, f"{seconds} s", "running or frozen", *_cells(expected), f"{other_cases.LATE:g} s"])
    return table(rows, head)


def _cells(expected: Expected) -> list[str]:
    either = [each for each in (expected.faults, expected.or_faults) if each is not None]
    codes = " or ".join(", ".join(f"`{fault}`" for fault in each) or "none" for each in either)
    return [expected.mode, expected.cache, codes, f"{expected.within:g} s"]


if __name__ == "__main__":
    PAGE.write_text(with_tables(PAGE, tables()), encoding="utf-8")
