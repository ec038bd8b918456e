"""The soak of benchmarks/soak.py, for seconds: random faults while the served app is asked."""

from pathlib import Path

import pytest

from benchmarks.soak import UNFIT, Answer, Findings, soak
from testing.faults import postgres_cases, redis_cases

SECONDS = 15.0


def test_no_request_fails_and_nothing_is_left_behind(tmp_path: Path) -> None:
    findings = soak(SECONDS, seed=20, log=tmp_path / "app.log")
    print(findings.summary())
    assert findings.complaints(short=True) == []
    # AND it was a soak: much was asked, and broken, and not all of it was noticed
    assert len(findings.answers) > 500
    assert findings.faults.total() >= 5
    assert {"narrowed"} < {answer.mode for answer in findings.answers}


@pytest.fixture
def fine() -> Findings:
    answers = [Answer(0.01, 200, "narrowed", "hit")] * 10
    return Findings(answers, memory=[(float(s), 100.0) for s in range(60)], sessions=[1], connections=[3], files=(9, 9))


def test_nothing_is_complained_about_where_all_is_as_wanted(fine: Findings) -> None:
    assert fine.complaints() == []
    assert abs(fine.slope) < 0.001
    assert "narrowed, hit: 10" in fine.summary()


def test_what_is_left_out_exists() -> None:
    assert {case.name for case in (*redis_cases.CASES, *postgres_cases.CASES)} > UNFIT


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        (lambda found: found.answers.append(Answer(0.1, 500, "", "")), "1 requests failed, by status: {500: 1}"),
        (lambda found: found.answers.append(Answer(0.1, 0, "", "")), "1 requests failed, by status: {0: 1}"),
        (lambda found: found.answers.append(Answer(3.1, 200, "", "")), "1 answers took more than 2.5 s"),
        (lambda found: found.sessions.append(2), "2 sessions left in PostgreSQL"),
        (lambda found: found.connections.append(33), "33 connections to Redis"),
        (lambda found: setattr(found, "files", (9, 30)), "30 open files at the end, 9 at the beginning"),
        (lambda found: found.memory.extend((60.0 + s, 100.0 + s) for s in range(60)), "memory grows by"),
    ],
)  # fmt: skip
def test_each_thing_that_is_not_as_wanted_is_complained_about(fine: Findings, spoil: object, complaint: str) -> None:
    assert callable(spoil)
    spoil(fine)
    (found,) = fine.complaints()
    assert found.startswith(complaint)
