"""The soak of tests/faults/soak.py for some seconds: random faults while clients send requests to the app."""

from pathlib import Path

import pytest

from tests.faults.soak import Sample, SoakFindings, TimedReply, soak

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


GOOD, END = TimedReply(0.01, 200, "narrowed", "hit"), Sample(60.0, 100.0, 9, 1, 3)


def test_each_missed_expectation_is_a_problem() -> None:
    samples = [Sample(float(second), 100.0, 9, 1, 3) for second in range(60)]
    assert SoakFindings([GOOD], samples=[*samples, END]).problems() == []
    findings = SoakFindings([GOOD, TimedReply(3.1, 500)], samples=[*samples, Sample(60.0, 160.0, 30, 2, 33)])
    assert len(findings.problems()) == 6
    assert "narrowed, hit: 1" in findings.summary()
