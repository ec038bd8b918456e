"""The soak of tests/faults/soak.py for some seconds: random faults while clients send requests to the app."""

from pathlib import Path

import pytest

from tests.faults import postgres_cases, redis_cases
from tests.faults.soak import EXCLUDED, Sample, SoakFindings, TimedReply, soak

SECONDS = 15.0


@pytest.mark.alone
def test_no_request_fails_and_nothing_is_left_behind(tmp_path: Path) -> None:
    findings = soak(SECONDS, seed=20, log=tmp_path / "app.log")
    print(findings.summary())
    assert findings.problems(short=True) == []
    # AND it was a soak: many requests, many faults, and some lookups noticed them
    assert len(findings.responses) > 500
    assert findings.faults.total() >= 5
    assert {"narrowed"} < {response.mode for response in findings.responses}


def test_excluded_cases_exist() -> None:
    assert {case.name for case in (*redis_cases.CASES, *postgres_cases.CASES)} > EXCLUDED


GOOD, END = TimedReply(0.01, 200, "narrowed", "hit"), Sample(60.0, 100.0, 9, 1, 3)


@pytest.mark.parametrize(
    ("reply", "end", "problem"),
    [
        (GOOD, END, ""),
        (TimedReply(0.1, 500), END, "failed requests, by status {500: 1}: 1"),
        (TimedReply(0.1, 0), END, "failed requests, by status {0: 1}: 1"),
        (TimedReply(3.1, 200), END, "answers after more than 2.5 s, the slowest"),
        (GOOD, END._replace(sessions=2), "sessions left in PostgreSQL: 2, expected at most 1"),
        (GOOD, END._replace(connections=33), "connections to Redis: 33, expected at most 32"),
        (GOOD, END._replace(files=30), "open files at the end: 30, expected at most 17"),
        (GOOD, END._replace(megabytes=160.0), "memory growth, MB a minute: "),
    ],
)
def test_each_missed_expectation_is_a_problem(reply: TimedReply, end: Sample, problem: str) -> None:
    samples = [Sample(float(second), 100.0, 9, 1, 3) for second in range(60)]
    findings = SoakFindings([GOOD] * 10 + [reply], samples=[*samples, end])
    assert [each.startswith(problem) for each in findings.problems()] == [True] * bool(problem)
    assert "narrowed, hit: 1" in findings.summary()
