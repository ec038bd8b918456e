"""docs/reference/faults.md lists exactly the tested cases."""

from chalicelib.telemetry.metrics import METRICS
from tests.faults.documented import PAGE, tables, written


def test_the_page_has_the_tables_of_the_cases() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page == written(page), "the tables are out of date; run: python -m tests.faults.documented"


def test_every_metric_that_counts_a_case_exists() -> None:
    for table in tables().values():
        head, _, *lines = table.splitlines()
        column = head.split("|").index(next(name for name in head.split("|") if name.strip() == "counted by"))
        for line in lines:
            counted = line.split("|")[column].replace("`", "").replace(" ", "").split(",")
            assert set(counted) <= METRICS.keys()
