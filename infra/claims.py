"""The claims that only a real AWS account can prove: infra/claims.toml."""

import tomllib
from dataclasses import dataclass

from chalicelib.config.settings import ROOT

FILE = ROOT / "infra" / "claims.toml"


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim. Either `proof` names the function that proves it, or `how` says what a person does and looks at.

    `source`: why we believe the claim until it is proved.
    """

    name: str
    claim: str
    source: str
    proof: str = ""
    how: str = ""

    def __post_init__(self) -> None:
        """Raise `ValueError` if the claim can be proved in no way, or in two."""
        if bool(self.proof) == bool(self.how):
            raise ValueError(f"claim {self.name} in {FILE.name} needs either `proof` or `how`")


def read_claims() -> list[Claim]:
    """Return all claims, in the order of the file."""
    document = tomllib.loads(FILE.read_text(encoding="utf-8"))
    return [Claim(name, **fields) for name, fields in document.items()]
