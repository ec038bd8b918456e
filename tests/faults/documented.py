"""Write the tables of docs/reference/faults.md from the cases: `python -m tests.faults.documented`."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tabulate import tabulate

from testing.faults import cluster_cases, other_cases, postgres_cases, redis_cases, tls_cases
from testing.faults.case import Expected, FaultCase, Row

PAGE = Path(__file__).parent.parent.parent / "docs" / "reference" / "faults.md"
HEAD = ["fault", "cached before", "mode", "cache", "codes", "counted by", "within"]


def tables() -> Mapping[str, str]:
    """Return each table by its name."""
    return {
        "redis": _table(
            _rows(
                redis_cases.CASES,
                cluster_cases.LOADING_CASES,
                cluster_cases.PAIR_CASES,
                cluster_cases.CLUSTER_CASES,
                tls_cases.REDIS_CASES,
            ),
            other_cases.REDIS,
        ),
        "postgres": _table(_rows(postgres_cases.CASES, tls_cases.POSTGRES_CASES), other_cases.POSTGRES),
        "both": _table([], other_cases.BOTH),
        "sign-in": _sign_in_table(),
    }


def written(page: str) -> str:
    """Return the page with its tables made from the cases."""
    for name, table in tables().items():
        before, _, rest = page.partition(f"<!-- table: {name} -->")
        _, end, after = rest.partition("<!-- end -->")
        if not end:
            raise ValueError(f"docs/reference/faults.md lacks the markers of the table '{name}'")
        page = f"{before}<!-- table: {name} -->\n\n{table}\n\n<!-- end -->{after}"
    return page


def _rows(*groups: Iterable[FaultCase[Any]]) -> list[Row]:
    cases = [case for group in groups for case in group]
    return [Row(case.name, state, expected) for case in cases for state, expected in case.expected.items()]


def _table(rows: Iterable[Row], more: Iterable[Row]) -> str:
    return tabulate([_cells(*row) for row in (*rows, *more)], HEAD, tablefmt="github", disable_numparse=True)


def _sign_in_table() -> str:
    head = ["store", "sign-in takes", "between lookups", *HEAD[2:], "through within"]
    rows = []
    for case in other_cases.SIGN_INS:
        cells = _cells("", "", case.until_through)[2:]
        process = "frozen" if case.freezes else "running"
        rows.append([case.store, f"{case.seconds:g} s", process, *cells, f"{other_cases.LATE:g} s"])
    return tabulate(rows, head, tablefmt="github", disable_numparse=True)


def _codes(faults: Iterable[str]) -> str:
    return ", ".join(f"`{fault}`" for fault in faults) or "none"


def _cells(name: str, state: str, expected: Expected) -> list[str]:
    codes = " or ".join(_codes(each) for each in (expected.faults, expected.or_faults) if each is not None)
    counted = ", ".join(f"`{metric}`" for metric, value in expected.metrics.items() if value)
    return [name, state, expected.mode, expected.cache, codes, counted, f"{expected.within:g} s"]


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
