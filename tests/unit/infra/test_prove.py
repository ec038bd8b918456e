"""Going through claims: what a proof or a person says becomes a finding."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import NoCredentialsError

from infra import prove
from infra.claims import Claim
from infra.proof_report import Outcome, ProofReport
from infra.proofs import Trial, Undecided
from infra.prove import Prove
from infra.stage import Stage
from infra.step import PreconditionFailed

TRIED = Claim("tried", "It works", "we hope so", proof="try_it")
ASKED = Claim("asked", "It looks good", "we hope so", how="Look at faunalens-STAGE. Is it so?")


@pytest.fixture
def report(tmp_path: Path) -> ProofReport:
    return ProofReport("dev", "eu-west-1", tmp_path)


def trial() -> Trial:
    return Trial(Stage("dev", "eu-west-1", None, {}), lambda _: None)


def raising(error: Exception) -> Callable[[Trial], str]:
    def proof(_: Trial) -> str:
        raise error

    return proof


@pytest.mark.parametrize(
    ("proof", "outcome", "seen"),
    [
        (lambda _: "it did", Outcome.PROVED, "it did"),
        (raising(PreconditionFailed("it did not")), Outcome.REFUTED, "it did not"),
        (raising(Undecided("come back later")), Outcome.OPEN, "come back later"),
        (raising(NoCredentialsError()), Outcome.OPEN, "could not be tried: NoCredentialsError: "),
        (raising(KeyError("DBClusters")), Outcome.OPEN, "could not be tried: KeyError: 'DBClusters'"),
    ],
)
def test_a_proof_has_three_outcomes(
    report: ProofReport, monkeypatch: pytest.MonkeyPatch, proof: Any, outcome: Outcome, seen: str
) -> None:
    monkeypatch.setattr(prove, "PROOFS", {"try_it": proof})
    output: list[str] = []
    Prove(trial(), report, None, output.append).run([TRIED])
    found = report.finding(TRIED)
    assert found
    assert found.outcome is outcome
    assert found.seen.startswith(seen)
    assert output[:2] == ["[1/1] tried", "      It works."]
    assert output[-1].startswith(f"      => {outcome}: {seen}")


@pytest.mark.parametrize(
    ("replies", "outcome"),
    [
        (["y", "all widgets"], Outcome.PROVED),
        (["No", "two are empty"], Outcome.REFUTED),
        ([""], None),
        (["later"], None),
    ],
)
def test_a_person_answers_yes_no_or_later(report: ProofReport, replies: list[str], outcome: Outcome | None) -> None:
    rest: Iterator[str] = iter(replies)
    output: list[str] = []
    Prove(trial(), report, lambda _: next(rest), output.append).run([ASKED])
    assert "      Look at faunalens-dev. Is it so?" in output
    found = report.finding(ASKED)
    assert (found.outcome if found else None) is outcome
    assert not found or found.seen == replies[1]


def test_without_a_person_and_without_a_stage_nothing_changes(report: ProofReport) -> None:
    # GIVEN a claim that was proved before the stage went down
    report.add(TRIED, Outcome.PROVED, "it did")
    # WHEN the claims are gone through without a stage, and nobody is there
    output: list[str] = []
    Prove(None, report, None, output.append).run([TRIED, ASKED])
    # THEN the finding stays, and the other claim is open
    assert "      the stage is not up, so nothing is tried" in output
    assert any(line.startswith("      => proved: it did") for line in output)
    assert output[-1] == "      => open"
    assert report.finding(ASKED) is None
