"""docs/reference/faults.md lists exactly the tested cases."""

from tests.faults.documented import PAGE, written


def test_the_page_has_the_tables_of_the_cases() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page == written(page), "the tables are out of date; run: python -m tests.faults.documented"
