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


def end(megabytes: float = 100.0, files: int = 9, sessions: int = 1, connections: int = 3) -> Sample:
    """Return a sample at the end of a minute."""
    return Sample(60.0, megabytes, files, sessions, connections)


@pytest.fixture
def fine() -> SoakFindings:
    responses = [TimedReply(0.01, 200, "narrowed", "hit")] * 10
    return SoakFindings(responses, samples=[Sample(float(second), 100.0, 9, 1, 3) for second in range(60)])


def test_a_clean_run_has_no_problems(fine: SoakFindings) -> None:
    assert fine.problems() == []
    assert abs(fine.growth) < 0.001
    assert "narrowed, hit: 10" in fine.summary()


def test_excluded_cases_exist() -> None:
    assert {case.name for case in (*redis_cases.CASES, *postgres_cases.CASES)} > EXCLUDED


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (lambda found: found.responses.append(TimedReply(0.1, 500, "", "")), "failed requests, by status {500: 1}: 1"),
        (lambda found: found.responses.append(TimedReply(0.1, 0, "", "")), "failed requests, by status {0: 1}: 1"),
        (lambda found: found.responses.append(TimedReply(3.1, 200)), "answers after more than 2.5 s, the slowest"),
        (lambda found: found.samples.append(end(sessions=2)), "sessions left in PostgreSQL: 2, expected at most 1"),
        (lambda found: found.samples.append(end(connections=33)), "connections to Redis: 33, expected at most 32"),
        (lambda found: found.samples.append(end(files=30)), "open files at the end: 30, expected at most 17"),
        (lambda found: found.samples.append(end(megabytes=160.0)), "memory growth, MB a minute: "),
    ],
)  # fmt: skip
def test_each_missed_expectation_is_a_problem(fine: SoakFindings, spoil: object, problem: str) -> None:
    assert callable(spoil)
    spoil(fine)
    (found,) = fine.problems()
    assert found.startswith(problem)
