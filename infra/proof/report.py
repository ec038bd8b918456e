"""The claims that only a real AWS account can prove, and what `python -m infra prove` has found out about them.

The findings are kept between runs, and written as a page to send back.
"""

import json
import re
import tomllib
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from chalicelib.config.settings import ROOT
from infra.release import commit
from infra.step import PreconditionFailed

CLAIMS = ROOT / "infra" / "proof" / "claims.toml"


class Claim(NamedTuple):
    """A claim about a stage on AWS. `proof`: function in proofs.py that checks it; else `how`: what a person does."""

    name: str
    claim: str
    source: str  # why we believe the claim until it is proved
    proof: str = ""  # name of the function that checks the claim
    how: str = ""  # steps for a person who checks it


def read_claims() -> list[Claim]:
    """Return all claims, in the order of the file."""
    return [Claim(name, **fields) for name, fields in tomllib.loads(CLAIMS.read_text(encoding="utf-8")).items()]


class Outcome(StrEnum):
    """The result of checking a claim."""

    PROVED = "proved"
    REFUTED = "refuted"
    OPEN = "open"


class ClaimFinding(NamedTuple):
    """The result of checking one claim. `seen`: one line on what was observed. `day`: date in UTC."""

    outcome: Outcome
    seen: str
    day: str


class ProofReport:
    """The findings about all claims on a stage, kept in build/proof-STAGE.json."""

    def __init__(self, stage: str, region: str, folder: Path = ROOT / "build") -> None:
        self.stage, self._region = stage, region
        self._file = folder / f"proof-{stage}.json"
        try:
            kept = json.loads(self._file.read_text(encoding="utf-8")) if self._file.is_file() else {}
            self._findings = {
                name: ClaimFinding(Outcome(each["outcome"]), each["seen"], each["day"]) for name, each in kept.items()
            }
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise PreconditionFailed(f"{self._file} is not a file of this command: {error}; delete it") from error

    def finding(self, claim: Claim) -> ClaimFinding | None:
        """Return the finding about a claim, or None if it was never checked."""
        return self._findings.get(claim.name)

    def add(self, claim: Claim, outcome: Outcome, seen: str) -> None:
        """Save the finding about a claim, without anything that identifies the account, a person or a place.

        An open outcome does not replace an earlier decision, because some proofs work only at the right time.
        """
        earlier = self.finding(claim)
        if outcome is Outcome.OPEN and earlier and earlier.outcome is not Outcome.OPEN:
            return
        text = anonymous(" ".join(seen.split()))
        self._findings[claim.name] = ClaimFinding(outcome, text, f"{datetime.now(UTC):%Y-%m-%d}")
        self._file.parent.mkdir(exist_ok=True)
        findings = {name: each._asdict() for name, each in self._findings.items()}
        self._file.write_text(json.dumps(findings, indent=2, allow_nan=False) + "\n", encoding="utf-8")

    def write(self, claims: Sequence[Claim], account: str = "") -> Path:
        """Write the report and return its path. `account`: number of the account to show in the report, or empty."""
        known = [(claim, self.finding(claim) or ClaimFinding(Outcome.OPEN, "", "")) for claim in claims]
        counts = Counter(found.outcome for _, found in known)
        rows = []
        for claim, found in known:
            mark = "x" if found.outcome is Outcome.PROVED else " "
            cells = (mark, f"`{claim.name}`", claim.claim, found.outcome, found.seen, found.day)
            rows.append(f"| {' | '.join(each.replace('|', r'\|') for each in cells)} |")
        named = f", account {account}" if account else ""
        text = (
            f"# Proof report\n\nStage {self.stage} in {self._region}, commit {commit()}{named}.\n"
            f"{', '.join(f'{counts[each]} {each}' for each in Outcome)}.\n\n"
            "| | claim | says | outcome | seen | day (UTC) |\n|---|---|---|---|---|---|\n"
        )
        page = self._file.with_suffix(".md")
        page.parent.mkdir(exist_ok=True)
        page.write_text("\n".join([text.rstrip(), *rows]) + "\n", encoding="utf-8")
        return page


_IDENTITIES = (
    (re.compile(r"arn:aws[\w-]*:[^\s,;)\"']+"), "(ARN)"),
    (re.compile(r"https?://[^\s,;)\"']+"), "(URL)"),
    (re.compile(r"[\w-]+(\.[\w-]+)*\.amazonaws\.com[\w.]*"), "(host)"),
    (re.compile(r"[\w.+-]+@[\w-]+(\.[\w-]+)+"), "(mail)"),
    (re.compile(r"\b(AKIA|ASIA|AROA|AIDA)[A-Z0-9]{12,}"), "(key)"),
    (re.compile(r"\b(lat|lon|latitude|longitude)\b\W{1,4}[-+]?\d+(\.\d+)?", re.IGNORECASE), r"\1=(hidden)"),
    (re.compile(r"[-+]?\d{1,3}\.\d+\s*[,/;]\s*[-+]?\d{1,3}\.\d+"), "(place)"),
    (re.compile(r"[-+]?\d{1,3}\.\d{4,}"), "(number)"),
    (re.compile(r"(?<![\d-])\d{4}-?\d{4}-?\d{4}(?![\d-])"), "(account)"),
    (re.compile(r"\b(vpc|subnet|sg|eni|pl|rtb|vpce|i)-[0-9a-f]{6,}\b"), r"\1-(id)"),
    (re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE), "(id)"),
    (re.compile(r"uploads/[\w-]+"), "uploads/(id)"),
    (re.compile(r"[A-Za-z0-9+/=_-]{40,}"), "(secret)"),
    (re.compile(r"(?<!\d)\d{1,3}(\.\d{1,3}){3}(?!\d)"), "(address)"),
    (re.compile(r"(/home|/Users)/[^/\s]+"), r"\1/(user)"),
)
"""What may identify an account, a person or a place, and what stands there instead. The order matters."""


def anonymous(text: str) -> str:
    """Return a text without anything that may identify an account, a person or a place.

    >>> anonymous("arn:aws:lambda:eu-west-1:123456789012:function:x is Pending; photo at -33.86, 151.21")
    '(ARN) is Pending; photo at (place)'
    """
    for pattern, replacement in _IDENTITIES:
        text = pattern.sub(replacement, text)
    return text
