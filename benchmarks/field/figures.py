"""Tables of what answers to field photos are worth, and of the constants that decide it.

Photos of one study resemble each other, so a figure is the mean over the studies.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from statistics import fmean
from typing import Final

from benchmarks.field.answers import Answered, features_at, lineages_of, scores_of
from benchmarks.field.truth import HEADS, FieldPhoto, Lineage, Shares, Verdict, verdict
from benchmarks.measure import table
from benchmarks.measure import verdict as target
from chalicelib.api.words import SURE
from chalicelib.features.features import NO_LOCATION
from chalicelib.model.naming import Naming
from chalicelib.model.taxonomy import Prediction
from chalicelib.services import Services

"""Least share of right answers with each word."""
BINS: Final = (0.0, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 1.01)
THUMBNAIL: Final = 150
THRESHOLDS: Final = (0.7, 0.74, 0.76, 0.77, 0.78, 0.8, 0.82, 0.85, 0.9)
WEIGHTS: Final = (0.0, 0.1, 0.2, 0.3, 0.5, 1.0)
MOST_WRONG: Final = 0.08


def by(key: Callable[[FieldPhoto], str], answers: Iterable[Answered]) -> dict[str, list[Answered]]:
    """Return the answers grouped by a property of their photos."""
    groups: dict[str, list[Answered]] = {}
    for each in answers:
        groups.setdefault(key(each.photo), []).append(each)
    return groups


def by_study(answers: Iterable[Answered]) -> dict[str, list[Answered]]:
    """Return the answers grouped by study."""
    return by(lambda photo: photo.study, answers)


def shares_of(answers: Iterable[Answered]) -> Shares:
    """Return the shares of some answers."""
    return Shares.of([each.worth for each in answers])


def mean(answers: Iterable[Answered]) -> Shares:
    """Return the means over the studies."""
    return Shares.mean(map(shares_of, by_study(answers).values()))


def share(answers: Sequence[Answered], has: Callable[[Answered], bool]) -> float:
    """Return the share of answers that have something; 0 if there is no answer."""
    return fmean(map(has, answers)) if answers else 0.0


def worst_first(title: str, groups: Mapping[str, Sequence[Answered]], *last: tuple[str, Shares]) -> str:
    """Return a table of groups, the one with the largest share of wrong answers first, and the rows `last` below."""
    rows = sorted(((name, shares_of(those)) for name, those in groups.items()), key=lambda row: (-row[1].wrong, row[0]))
    return table([[name, *shares.cells()] for name, shares in [*rows, *last]], [title, *HEADS])


def calibration(answers: Sequence[Answered]) -> tuple[str, float]:
    """Return a table of the scores of named taxa and the shares of right ones, and the expected calibration error."""
    named = [each for each in answers if each.score is not None]
    rows, error = [], 0.0
    for low, high in pairwise(BINS):
        those = [each for each in named if low <= (each.score or 0.0) < high]
        if those:
            score, right = fmean(each.score or 0.0 for each in those), fmean(each.is_right for each in those)
            error += abs(score - right) * len(those) / len(named)
            rows.append([f"{low:g} to {min(high, 1):g}", str(len(those)), f"{score:.1%}", f"{right:.1%}"])
    return table(rows, ["score", "answers", "mean score", "right"]), error


def words(answers: Sequence[Answered]) -> str:
    """Return a table of the words for how sure answers are, with the shares of right ones."""
    rows = []
    for word, least in ((each.word, each.right) for each in SURE):
        those = [each for each in answers if each.sure == word]
        right = fmean(each.is_right for each in those) if those else 1.0
        rows.append([word, str(len(those)), f"{right:.1%}", f"at least {least:.0%}", target(right >= least)])
    return table(rows, ["word", "answers", "right", "target", "result"])


def subjects(answers: Sequence[Answered]) -> str:
    """Return a table of what answers say that photos show, by what they do show."""
    names = ("animal", "person", "vehicle", "none", "unclear")
    rows = []
    for kind, those in sorted(by(lambda photo: "animal" if photo.lineage else photo.subject, answers).items()):
        said = [f"{fmean(each.subject == name for each in those):.0%}" for name in names]
        surely = f"{share(those, lambda each: each.sure == SURE[0].word):.1%}" if kind != "animal" else ""
        rows.append([kind, str(len(those)), *said, surely])
    return table(rows, ["shown", "photos", *names, "named surely"])


def targets(placed: Sequence[Answered], alone: Sequence[Answered]) -> str:
    """Return a table of the figures to reach. `alone`: answers to the same photos without their places."""

    def is_animal(answer: Answered) -> bool:
        return answer.subject == "animal"

    found, without = mean(placed), mean(alone)
    animals = [each for each in placed if each.photo.lineage]
    others = [each for each in placed if not each.photo.lineage]
    blanks = [each for each in others if each.photo.subject == "(blank)"]
    said = fmean(share(those, is_animal) for those in by_study(animals).values())
    gain = max(found.useful - without.useful, found.exact - without.exact)
    rows = []
    for name, value, bound, limit in (
        ("wrong", found.wrong, "at most", 0.08),
        ("useful", found.useful, "at least", 0.23),
        ("exact", found.exact, "at least", 0.08),
        ("gain of useful or exact by the place", gain, "at least", 0.03),
        ("animals said to be animals", said, "at least", 0.85),
        ("blanks said to be animals", share(blanks, is_animal), "at most", 0.15),
        ("others named as an animal surely", share(others, lambda each: each.sure == SURE[0].word), "at most", 0.03),
        ("expected calibration error", calibration(placed)[1], "at most", 0.06),
    ):
        met = value <= limit if bound == "at most" else value >= limit
        rows.append([name, f"{value:.1%}", f"{bound} {limit:.0%}", target(met)])
    return table(rows, ["means over the studies", "found", "target", "result"])


def report(placed: Sequence[Answered], alone: Sequence[Answered]) -> str:
    """Return all tables of answers."""
    animals = [each for each in placed if each.photo.lineage]
    whole = [each for each in placed if each.pixels >= THUMBNAIL]
    small = [each for each in placed if each.pixels < THUMBNAIL]
    means = ("mean", mean(whole)), ("mean, without places", mean(each for each in alone if each.pixels >= THUMBNAIL))
    parts = [
        targets(placed, alone),
        worst_first("study", by_study(whole), *means),
        worst_first("thumbnails", by_study(small), ("mean", mean(small))) if small else "",
        worst_first("kind", by(lambda photo: photo.kind, placed)),
        worst_first("animals", by(lambda photo: photo.group, animals)),
        subjects(placed),
        words(placed),
        calibration(placed)[0],
    ]
    return "\n\n".join(filter(None, parts))


class Fit:
    """Field photos with their scores, to try values of the constants."""

    def __init__(self, folder: Path, photos: Sequence[FieldPhoto], services: Services) -> None:
        self.photos, self.naming = photos, services.recogniser.naming
        self.lineages: Mapping[tuple[str, str], Lineage] = lineages_of(services.recogniser.models.everything())
        places = [features_at(services, each.place) for each in photos]
        self.scores = list(scores_of([folder / each.file for each in photos], places, services))

    def by_study(self, naming: Naming, *, again: bool = True) -> dict[str, Shares]:
        """Return the shares of the answers, by study."""
        found: dict[str, list[Verdict]] = {}
        for photo, scores in zip(self.photos, self.scores, strict=True):
            named = scores.name(naming, again=again)
            taxon = named.taxon if named else None
            lineage = self.lineages[taxon.rank, taxon.scientific_name] if taxon else None
            found.setdefault(photo.study, []).append(verdict(photo, lineage, taxon.rank if taxon else ""))
        return {study: Shares.of(those) for study, those in found.items()}

    def mean(self, naming: Naming, *, again: bool = True) -> Shares:
        """Return the means over the studies."""
        return Shares.mean(self.by_study(naming, again=again).values())

    def left_out(self) -> Shares:
        """Return the means over the studies, each with the threshold that is best for the others.

        The best threshold has the most useful answers of those with at most `MOST_WRONG` wrong ones.
        """
        shares = {at: self.by_study(replace(self.naming, threshold=at)) for at in THRESHOLDS}
        chosen = []
        for study in shares[THRESHOLDS[0]]:
            others = {at: Shares.mean(parts[name] for name in parts if name != study) for at, parts in shares.items()}
            best = max(others, key=lambda at: (min(MOST_WRONG - others[at].wrong, 0.0), others[at].useful))
            chosen.append(shares[best][study])
        return Shares.mean(chosen)


def fit(folder: Path, photos: Sequence[FieldPhoto], services: Services) -> str:
    """Return the table of thresholds and of weights of rivals."""
    tried = Fit(folder, photos, services)
    naming = tried.naming
    found = {f"threshold {at:g}": tried.mean(replace(naming, threshold=at)) for at in THRESHOLDS}
    found |= {f"weight {weight:g}": tried.mean(replace(naming, weight=weight)) for weight in WEIGHTS}
    found["one look"] = tried.mean(naming, again=False)
    found["one look, no rivals"] = tried.mean(replace(naming, weight=0.0), again=False)
    found["threshold chosen on other studies"] = tried.left_out()
    return table([[name, *shares.cells()] for name, shares in found.items()], ["means over the studies", *HEADS])


def fit_clean(folder: Path, services: Services) -> str:
    """Return a table of the share of clean photos of animals that are named as narrowly as can be, without places."""
    narrowest = {animal.taxon for animal in services.recogniser.models.everything().animals}
    animals = len(services.recogniser.models.taxonomy.animals)
    paths = [path for path in sorted(folder.iterdir()) if int(path.name.partition("_")[0]) < animals]
    scores = list(scores_of(paths, [NO_LOCATION] * len(paths), services))

    def is_narrow(named: Prediction | None) -> bool:
        return named is not None and (
            named.taxon in narrowest or any(taxon.rank == "species" for taxon in named.lineage)
        )

    rows = []
    for at in THRESHOLDS:
        naming = replace(services.recogniser.naming, threshold=at)
        rows.append([f"threshold {at:g}", f"{fmean(is_narrow(each.name(naming)) for each in scores):.1%}"])
    return table(rows, [f"{len(paths)} clean photos", "named as a species, or as narrowly as the model can"])
