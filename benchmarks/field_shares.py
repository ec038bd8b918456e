"""Shares of what answers to field photos are worth, and their means over studies."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from benchmarks.field_truth import Verdict

VERDICTS: tuple[Verdict, ...] = ("exact", "useful", "vague", "silent", "wrong")
HEADS = ("photos", "useful", "of them exact", "vague", "silent", "wrong")


@dataclass(frozen=True, slots=True)
class Shares:
    """Shares of the answers to some photos. `useful` includes `exact`."""

    photos: int
    useful: float
    exact: float
    vague: float
    silent: float
    wrong: float

    @classmethod
    def of(cls, answers: Sequence[Verdict]) -> "Shares":
        """Return the shares of these answers, of which there is at least one."""
        exact, useful, vague, silent, wrong = (answers.count(each) / len(answers) for each in VERDICTS)
        return cls(len(answers), exact + useful, exact, vague, silent, wrong)

    @classmethod
    def mean(cls, parts: Sequence["Shares"]) -> "Shares":
        """Return the means of shares, each with the same weight."""
        names = "useful", "exact", "vague", "silent", "wrong"
        return cls(
            sum(each.photos for each in parts), *(fmean(getattr(each, name) for each in parts) for name in names)
        )

    def cells(self) -> list[str]:
        """Return the cells of a table, below `HEADS`."""
        shares = self.useful, self.exact, self.vague, self.silent, self.wrong
        return [str(self.photos), *(f"{share:.1%}" for share in shares)]
