"""The claims, what was found out about them, and the page that is sent back."""

from pathlib import Path

import pytest

from infra.proof.proofs import PROOFS
from infra.proof.report import Claim, Outcome, ProofReport, anonymous, read_claims
from infra.step import PreconditionFailed


def test_every_proof_belongs_to_a_claim_and_every_claim_has_either_a_proof_or_a_question() -> None:
    claims = read_claims()
    assert sorted(claim.proof for claim in claims if claim.proof) == sorted(PROOFS)
    assert [claim.name for claim in claims if bool(claim.proof) == bool(claim.how)] == []


ONE = Claim("one", "It works", "we hope so", proof="answers")
READABLE = (
    *("created in 14.5 minutes", "aurora-postgresql 17.9 in eu-west-1", "180 to 1240 ms from app.py to ready"),
    *("0.52 ACU on average while awake, at most 2.00", "2 of 2 subscriptions confirmed (email, https)"),
    "an unknown path returned 404 as application/problem+json",
    "faunalens-dev-warm is active, on 2026-11-26",
)
TWO = Claim("two", "It looks | good", "we hope so", how="Look. Is it so?")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("arn:aws:lambda:eu-west-1:123456789012:function:x failed", "(ARN) failed"),
        ("account 123456789012, 1234-5678-9012", "account (account), (account)"),
        ("see https://abc123.execute-api.eu-west-1.amazonaws.com/dev/?lat=-33.9&lon=151.2 now", "see (URL) now"),
        ("faunalens-dev-photos-123456789012.s3.eu-west-1.amazonaws.com is far", "(host) is far"),
        ("sent to jane.doe+alarms@example.org", "sent to (mail)"),
        ("key AKIAIOSFODNN7EXAMPLE is old", "key (key) is old"),
        ("token IQoJb3JpZ2luX2VjEJr//////////wEaCXVzLWVhc3QtMSJHMEUCIQ ends", "token (secret) ends"),
        ("in vpc-0abc123def4567890, sg-0abc123d", "in vpc-(id), sg-(id)"),
        ("request 88b0107d-4b18-47e8-a4c9-18260b1033e3", "request (id)"),
        ("uploads/Zm9vYmFyYmF6cXV4Zm9vYg is gone", "uploads/(id) is gone"),
        ("from 203.0.113.9 today", "from (address) today"),
        ("/home/jane/faunalens/.venv", "/home/(user)/faunalens/.venv"),
        ("live around lat=-33.9&lon=151.2 (AU)", "live around lat=(hidden)&lon=(hidden) (AU)"),
        ('{"lat": -33.86, "lon": 151.21}', '{"lat=(hidden), "lon=(hidden)}'),
        ("at -33.86, 151.21", "at (place)"),
        ("at -33.868812 or so", "at (number) or so"),
        # and what was seen stays readable
        *((text, text) for text in READABLE),
    ],
)
def test_what_identifies_an_account_a_person_or_a_place_is_hidden(text: str, expected: str) -> None:
    assert anonymous(text) == expected


def test_findings_survive_a_run_and_are_written_as_a_page(tmp_path: Path) -> None:
    # GIVEN a report with one finding, and another run
    ProofReport("dev", "eu-west-1", tmp_path).add(ONE, Outcome.PROVED, "it  did,\nfor 123456789012")
    report = ProofReport("dev", "eu-west-1", tmp_path)
    # WHEN another claim is refuted, and the page written
    report.add(TWO, Outcome.REFUTED, "a | b")
    page = report.write([ONE, TWO, Claim("three", "It stays", "we hope so", proof="pause")]).read_text(encoding="utf-8")
    # THEN it counts and lists all three, without the account
    assert "\n1 proved, 1 refuted, 1 open.\n" in page
    assert "\n| x | `one` | It works | proved | it did, for (account) | " in page
    assert "\n|   | `two` | It looks \\| good | refuted | a \\| b | " in page
    assert "\n|   | `three` | It stays | open |  |  |" in page
    assert "123456789012" not in page + (tmp_path / "proof-dev.json").read_text(encoding="utf-8")
    # AND the account only if wanted
    assert "123456789012" in report.write([ONE], account="123456789012").read_text(encoding="utf-8")


def test_what_is_open_again_does_not_undo_a_proof(tmp_path: Path) -> None:
    report = ProofReport("dev", "eu-west-1", tmp_path)
    report.add(ONE, Outcome.PROVED, "paused")
    report.add(ONE, Outcome.OPEN, "not paused today")
    assert (found := report.finding(ONE))
    assert (found.outcome, found.seen) == (Outcome.PROVED, "paused")
    # BUT a claim that turns out to be wrong is wrong
    report.add(ONE, Outcome.REFUTED, "never again")
    assert (found := report.finding(ONE))
    assert found.outcome is Outcome.REFUTED


@pytest.mark.parametrize("text", ["", "[]", '{"one": {"outcome": "perhaps", "seen": "", "day": ""}}', '{"one": 1}'])
def test_a_file_of_something_else_is_an_error(tmp_path: Path, text: str) -> None:
    (tmp_path / "proof-dev.json").write_text(text, encoding="utf-8")
    with pytest.raises(PreconditionFailed, match=r"proof-dev\.json is not a file of this command: .*; delete it"):
        ProofReport("dev", "eu-west-1", tmp_path)
