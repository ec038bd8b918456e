"""The estimate of what the statement scans and costs."""

import pytest

from database.__main__ import main
from database.athena.estimate import assumptions, cost, estimate
from database.athena.query import scanned_columns
from database.occurrences.filters import Filters
from testing.cloudformation import template


def test_every_column_has_its_bytes_and_every_number_its_source() -> None:
    known = assumptions()
    assert set(scanned_columns(Filters(commercial=True), months=True)) == known.keys() - {"price", "records"}
    assert all(each.source and each.date for each in known.values())


def test_the_estimate_is_the_sum_of_columns_times_records(capsys: pytest.CaptureFixture[str]) -> None:
    known = assumptions()
    total = sum(known[each].value for each in scanned_columns(Filters())) * known["records"].value
    assert main(["athena", "--estimate"]) == 0
    said = capsys.readouterr().out
    assert f"about {total / 1e9:,.0f} GB, which cost {total / 1e12 * 5:.2f} US dollars at 5 a TB" in said
    # AND more columns cost more
    assert len(list(estimate(Filters(commercial=True), months=True))) == len(list(estimate(Filters()))) + 2


def test_the_limit_of_the_workgroup_leaves_room_for_the_estimate() -> None:
    known = assumptions()
    most = sum(known[each].value for each in scanned_columns(Filters(commercial=True), months=True))
    limit = float(template("athena.yaml")["Parameters"]["ScanLimit"]["Default"])
    assert 2 * most * known["records"].value < limit
    assert cost(limit) == 5


def test_the_command_prints_sql(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["athena", "--snapshot", "2026-11-01", "--since", "2000"]) == 0
    said = capsys.readouterr().out
    assert "snapshot = '2026-11-01'" in said
    assert "year not between 2000 and 9999" in said


@pytest.mark.parametrize("text", ["november", "2026-13-01", "2026-11-01' or '1'='1", "20261101"])
def test_a_snapshot_is_a_date(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["athena", "--snapshot", text])
    assert "is no date such as 2026-11-01" in capsys.readouterr().err
