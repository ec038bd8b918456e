"""`python -m infra prove`: go through the claims that only AWS can prove, and write a report to send back."""

from collections.abc import Callable, Sequence
from functools import partial
from textwrap import fill

from botocore.exceptions import BotoCoreError, ClientError

from infra.claims import Claim
from infra.proof_report import Outcome, ProofReport
from infra.proofs import PROOFS, Trial, Undecided
from infra.step import Echo, PreconditionFailed

Ask = Callable[[str], str]  # prints a question and returns the reply

_OUTCOMES = {"y": Outcome.PROVED, "n": Outcome.REFUTED}
_INDENT = " " * 6
_paragraph = partial(fill, width=110, initial_indent=_INDENT, subsequent_indent=_INDENT, break_on_hyphens=False)


class Prove:
    """Goes through claims. `ask`: asks a person, or None if there is nobody to ask."""

    def __init__(self, trial: Trial | None, report: ProofReport, ask: Ask | None, echo: Echo) -> None:
        self._trial, self._report, self._ask, self._echo = trial, report, ask, echo

    def run(self, claims: Sequence[Claim]) -> None:
        """Try each claim and keep what was found out, so that an interrupted run loses nothing.

        The trial is None if the stage is not up; then only people are asked.
        """
        for number, claim in enumerate(claims, 1):
            self._echo(f"[{number}/{len(claims)}] {claim.name}")
            self._echo(_paragraph(f"{claim.claim}."))
            if found := self._tried(claim) if claim.proof else self._asked(claim):
                self._report.add(claim, *found)
            known = self._report.finding(claim)
            self._echo(f"{_INDENT}=> {known.outcome}: {known.seen} ({known.day})" if known else f"{_INDENT}=> open")

    def _tried(self, claim: Claim) -> tuple[Outcome, str] | None:
        if self._trial is None:
            self._echo(f"{_INDENT}the stage is not up, so nothing is tried")
            return None
        try:
            return Outcome.PROVED, PROOFS[claim.proof](self._trial)
        except Undecided as error:
            return Outcome.OPEN, str(error)
        except PreconditionFailed as error:
            return Outcome.REFUTED, str(error)
        except (ClientError, BotoCoreError, OSError, LookupError, ValueError) as error:
            return Outcome.OPEN, f"could not be tried: {type(error).__name__}: {error}"

    def _asked(self, claim: Claim) -> tuple[Outcome, str] | None:
        self._echo(_paragraph(claim.how.replace("STAGE", self._report.stage)))
        if self._ask is None:
            return None
        reply = self._ask(f"{_INDENT}Is it so? y: yes, n: no, anything else: later > ")
        outcome = _OUTCOMES.get(reply.strip().lower()[:1])
        if outcome is None:
            return None
        return outcome, self._ask(f"{_INDENT}What did you see? (one line, may be empty) > ").strip()
