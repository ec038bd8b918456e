"""The tables of docs/reference/faults.md, made from the cases: `python -m tests.faults.documented` writes them."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from testing.faults import cluster_cases, other_cases, postgres_cases, redis_cases, tls_cases
from testing.faults.case import Answer, Case, Row

PAGE = Path(__file__).parent.parent.parent / "docs" / "reference" / "faults.md"
HEAD = "| fault | known before | mode | cache | codes | counted by | within |\n|---|---|---|---|---|---|---|"


def tables() -> Mapping[str, str]:
    """Each table by its name."""
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
    }


def written(page: str) -> str:
    """The page with its tables as the cases have them."""
    for name, table in tables().items():
        before, _, rest = page.partition(f"<!-- table: {name} -->")
        _, end, after = rest.partition("<!-- end -->")
        if not end:
            raise ValueError(f"docs/reference/faults.md has no place for the table '{name}'")
        page = f"{before}<!-- table: {name} -->\n\n{table}\n\n<!-- end -->{after}"
    return page


def _rows(*groups: Iterable[Case[Any]]) -> list[Row]:
    cases = [case for group in groups for case in group]
    return [Row(case.name, state, answer) for case in cases for state, answer in case.answers.items()]


def _table(rows: Iterable[Row], more: Iterable[Row]) -> str:
    return "\n".join([HEAD, *(_line(*row) for row in (*rows, *more))])


def _codes(faults: Iterable[str]) -> str:
    return ", ".join(f"`{fault}`" for fault in faults) or "none"


def _line(name: str, state: str, answer: Answer) -> str:
    codes = " or ".join(_codes(each) for each in (answer.faults, answer.or_faults) if each is not None)
    counted = ", ".join(f"`{metric}`" for metric, value in answer.metrics.items() if value)
    return f"| {name} | {state} | {answer.mode} | {answer.cache} | {codes} | {counted} | {answer.within:g} s |"


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
