"""Counting few generated records, as the benchmark counts many."""

import pytest

from benchmarks.load import main


def test_records_are_counted_by_the_loader_and_by_a_bare_statement(capsys: pytest.CaptureFixture[str]) -> None:
    # WHEN some records are generated and counted, each way in a process of its own
    main(["--rows", "20000", "--rounds", "1"])
    # THEN the table compares both
    bare, load = ([each.strip() for each in line.split("|")[1:-1]] for line in capsys.readouterr().out.splitlines()[2:])
    assert (bare[:2], bare[5], bare[8]) == (["20,000", "bare"], "1.00", "")
    assert load[:2] == ["20,000", "load"]
    # AND the loader finds hundreds of pairs of a name and a cell, and its reasons for what does not count
    assert int(load[7].replace(",", "")) > 1000
