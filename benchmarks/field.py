"""What answers are worth on photos from the field: useful, exact, vague, silent or wrong, and what their words mean.

    python -m benchmarks.field FOLDER              FOLDER: photos and their truth.csv (benchmarks/field_truth.py)
    python -m benchmarks.field FOLDER --fit        also compare thresholds and weights of rivals, on studies left out
    python -m benchmarks.field FOLDER --fit --clean DIR     and what a clean photo named <output index>_….jpg loses

Without FOLDER, `FAUNALENS_FIELD_PHOTOS` names it. The whole request path answers, with the features of this checkout's
dataset and without servers. Photos of one study resemble each other, so a figure is the mean over the studies.
"""

import argparse
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from statistics import fmean

from benchmarks.field_answers import Answered, answer_all, field_services
from benchmarks.field_shares import HEADS, Shares
from benchmarks.field_truth import FieldPhoto, read_truth
from benchmarks.measure import table
from benchmarks.measure import verdict as target

FOLDER = "FAUNALENS_FIELD_PHOTOS"
WORDS: Mapping[str, float] = {"very sure": 0.95, "fairly sure": 0.8, "perhaps": 0.5}
"""Least share of right answers with each word."""
BINS = (0.0, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 1.01)
THUMBNAIL = 150


def by(key: Callable[[FieldPhoto], str], answers: Iterable[Answered]) -> dict[str, list[Answered]]:
    """Return the answers grouped by a property of their photos."""
    groups: dict[str, list[Answered]] = {}
    for each in answers:
        groups.setdefault(key(each.photo), []).append(each)
    return groups


def shares_of(answers: Iterable[Answered]) -> Shares:
    """Return the shares of some answers."""
    return Shares.of([each.worth for each in answers])


def by_study(answers: Iterable[Answered]) -> Shares:
    """Return the means over the studies."""
    return Shares.mean([shares_of(those) for those in by(lambda photo: photo.study, answers).values()])


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
    for word, least in WORDS.items():
        those = [each for each in answers if each.sure == word]
        right = fmean(each.is_right for each in those) if those else 1.0
        rows.append([word, str(len(those)), f"{right:.1%}", f"at least {least:.0%}", target(right >= least)])
    return table(rows, ["word", "answers", "right", "target", "result"])


def subjects(answers: Sequence[Answered]) -> str:
    """Return a table of what photos are said to show, by what they show."""
    names = ("animal", "person", "vehicle", "none", "unclear")
    kinds = by(lambda photo: photo.subject if not photo.lineage else "animal", answers)
    rows = [
        [
            kind,
            str(len(those)),
            *(f"{fmean(each.subject == name for each in those):.0%}" for name in names),
            f"{fmean(each.sure == 'very sure' for each in those):.1%}" if kind != "animal" else "",
        ]
        for kind, those in sorted(kinds.items())
    ]
    return table(rows, ["shown", "photos", *names, "named surely"])


def targets(placed: Sequence[Answered], alone: Sequence[Answered]) -> str:
    """Return a table of the figures to reach. `alone`: answers to the same photos without their places."""
    found, without = by_study(placed), by_study(alone)
    animals = [each for each in placed if each.photo.lineage]
    others = [each for each in placed if not each.photo.lineage]
    blanks = [each for each in others if each.photo.subject == "(blank)"]
    said = fmean(
        fmean(each.subject == "animal" for each in those) for those in by(lambda photo: photo.study, animals).values()
    )
    gain = max(found.useful - without.useful, found.exact - without.exact)
    rows = [
        ("wrong", found.wrong, "at most", 0.08),
        ("useful", found.useful, "at least", 0.23),
        ("exact", found.exact, "at least", 0.08),
        ("gain of useful or exact by the place", gain, "at least", 0.03),
        ("animals said to be animals", said, "at least", 0.85),
        ("blanks said to be animals", _share(blanks, lambda each: each.subject == "animal"), "at most", 0.15),
        ("others named as an animal surely", _share(others, lambda each: each.sure == "very sure"), "at most", 0.03),
        ("expected calibration error", calibration(placed)[1], "at most", 0.06),
    ]
    return table(
        [
            [
                name,
                f"{value:.1%}",
                f"{bound} {limit:.0%}",
                target(value <= limit if "most" in bound else value >= limit),
            ]
            for name, value, bound, limit in rows
        ],
        ["means over the studies", "found", "target", "result"],
    )


def _share(answers: Sequence[Answered], has: Callable[[Answered], bool]) -> float:
    return fmean(map(has, answers)) if answers else 0.0


def report(placed: Sequence[Answered], alone: Sequence[Answered]) -> str:
    """Return all tables."""
    animals = [each for each in placed if each.photo.lineage]
    whole = [each for each in placed if each.pixels >= THUMBNAIL]
    small = [each for each in placed if each.pixels < THUMBNAIL]
    parts = [
        targets(placed, alone),
        worst_first(
            "study",
            by(lambda photo: photo.study, whole),
            ("mean", by_study(whole)),
            ("mean, without places", by_study([each for each in alone if each.pixels >= THUMBNAIL])),
        ),
        worst_first("thumbnails", by(lambda photo: photo.study, small), ("mean", by_study(small))) if small else "",
        worst_first("kind", by(lambda photo: photo.kind, placed)),
        worst_first("animals", by(lambda photo: photo.group, animals)),
        subjects(placed),
        words(placed),
        calibration(placed)[0],
    ]
    return "\n\n".join(filter(None, parts))


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.field", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", nargs="?", default=os.environ.get(FOLDER), type=Path, help="photos and truth.csv")
    parser.add_argument("--fit", action="store_true", help="also compare thresholds and weights of rivals")
    parser.add_argument("--clean", type=Path, metavar="DIR", help="with --fit: photos named <output index>_….jpg")
    options = parser.parse_args()
    if options.folder is None:
        parser.error(f"name the folder of the photos, or set {FOLDER}")
    photos = read_truth(options.folder)
    services = field_services(photos)
    placed = answer_all(options.folder, photos, services, with_places=True)
    alone = answer_all(options.folder, photos, services, with_places=False)
    print(report(placed, alone))
    if options.fit:
        from benchmarks.field_fit import fit

        print("\n" + fit(options.folder, photos, services, options.clean))


if __name__ == "__main__":
    main()
