"""The list of claims that only AWS can prove: complete, and the same in the file and in the code."""

import pytest

from infra.claims import FILE, Claim, read_claims
from infra.proofs import PROOFS


def test_every_proof_belongs_to_a_claim_and_every_claim_has_a_proof_or_a_question() -> None:
    claims = read_claims()
    assert sorted(claim.proof for claim in claims if claim.proof) == sorted(PROOFS)
    assert [claim.name for claim in claims if not claim.proof and not claim.how] == []


def test_a_claim_says_one_sentence_without_its_full_stop_and_why_we_believe_it() -> None:
    for claim in read_claims():
        assert claim.claim[0].isupper() or claim.claim.startswith("`"), claim.name
        assert not claim.claim.endswith("."), claim.name
        assert claim.source, claim.name


@pytest.mark.parametrize("ways", [{}, {"proof": "answers", "how": "Look"}])
def test_a_claim_without_a_proof_or_with_two_is_refused(ways: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=f"claim one in {FILE.name} needs either `proof` or `how`"):
        Claim("one", "It works", "we hope so", **ways)


def test_a_question_can_be_answered_with_yes() -> None:
    for claim in read_claims():
        assert not claim.how or "?" in claim.how, claim.name
