"""Reads during a small load: real PostgreSQL, real Valkey, a process that reads."""

import pytest

from benchmarks.load_reads import ORDER, main


def test_reads_go_on_during_each_phase_of_a_load(capsys: pytest.CaptureFixture[str]) -> None:
    # WHEN a small dataset is loaded, activated, and the one before dropped
    main(["--rows", "200000", "--rounds", "1", "--seconds", "1"])
    # THEN there is a table for queries and one for lookups, with each phase
    for text in capsys.readouterr().out.split("\n\n"):
        rows = [[each.strip() for each in line.split("|")[1:-1]] for line in text.strip().splitlines()[2:]]
        assert [name for name, *_ in rows] == list(ORDER)
        # AND reads in each
        for _, lasts, reads, *_ in rows:
            assert float(lasts.removesuffix(" s")) > 0
            assert int(reads.replace(",", "")) > 0
