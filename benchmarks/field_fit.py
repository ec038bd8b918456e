"""Compare thresholds and weights of rivals on field photos, and choose the threshold with studies left out."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

from benchmarks.field_answers import lineages_of
from benchmarks.field_shares import HEADS, Shares
from benchmarks.field_truth import FieldPhoto, Lineage, Verdict, verdict
from benchmarks.measure import table
from chalicelib.features.cells import cell_of
from chalicelib.features.features import NO_LOCATION, Features
from chalicelib.model.looks import needs_second_look
from chalicelib.model.models import FusedScores
from chalicelib.model.naming import Naming
from chalicelib.model.seeing import View, second_square
from chalicelib.model.taxonomy import Prediction
from chalicelib.photo.decode import Limits, open_photo
from chalicelib.services import Services

THRESHOLDS = (0.7, 0.74, 0.76, 0.77, 0.78, 0.8, 0.82, 0.85, 0.9)
WEIGHTS = (0.0, 0.1, 0.2, 0.3, 0.5, 1.0)
MOST_WRONG = 0.08
_PROGRESS_EVERY = 50


class Looks(NamedTuple):
    """The scores of a photo after one look and after two, with the features of its place."""

    one: FusedScores
    two: FusedScores
    features: Features

    def name(self, naming: Naming, *, again: bool = True) -> Prediction | None:
        """Return the prediction, as `Eyes.see` finds it. `again`: whether a photo that leaves a doubt gets both."""
        first = naming.name(self.one, self.features).prediction
        if not (again and needs_second_look(first)):
            return first
        return naming.name(self.two, self.features).prediction


def looks_at(paths: Sequence[Path], features: Sequence[Features], services: Services) -> Iterator[Looks]:
    """Yield the scores of photos, whose places have these features."""
    models = services.models
    size = models.general.input_size
    for number, (path, here) in enumerate(zip(paths, features, strict=True)):
        if number % _PROGRESS_EVERY == 0:
            print(f"photo {number} of {len(paths)}", file=sys.stderr, flush=True)
        picture = open_photo(path.read_bytes(), Limits()).decode(size)
        view = View(picture.square(size), picture.reduced(size))
        first = models.look_at(view.square, here)
        square = second_square(view.picture, services.sightings_in(view), size)
        second = models.look_at(square, here)
        yield Looks(models.fuse([first], here), models.fuse([first, second], here), here)


class Fit:
    """Field photos with their scores, to try values of the constants."""

    def __init__(self, folder: Path, photos: Sequence[FieldPhoto], services: Services) -> None:
        places = [services.features.at(cell_of(*each.place)) if each.place else NO_LOCATION for each in photos]
        self.photos, self.naming = photos, services.eyes.naming
        self.lineages: Mapping[tuple[str, str], Lineage] = lineages_of(services.models.everything())
        self.looks = list(looks_at([folder / each.file for each in photos], places, services))

    def worth(self, naming: Naming, *, again: bool = True) -> dict[str, list[Verdict]]:
        """Return what the answers are worth, by study."""
        found: dict[str, list[Verdict]] = {}
        for photo, looks in zip(self.photos, self.looks, strict=True):
            named = looks.name(naming, again=again)
            taxon = named.taxon if named else None
            lineage = self.lineages[taxon.rank, taxon.scientific_name] if taxon else None
            found.setdefault(photo.study, []).append(verdict(photo, lineage, taxon.rank if taxon else ""))
        return found

    def mean(self, naming: Naming, *, again: bool = True) -> Shares:
        """Return the means over the studies."""
        return Shares.mean([Shares.of(those) for those in self.worth(naming, again=again).values()])

    def left_out(self) -> Shares:
        """Return the means over the studies, each with the threshold that is best for the others.

        The best threshold has the most useful answers of those with at most `MOST_WRONG` wrong ones.
        """
        worth = {at: self.worth(replace(self.naming, threshold=at)) for at in THRESHOLDS}
        shares = {at: {study: Shares.of(those) for study, those in found.items()} for at, found in worth.items()}
        chosen = []
        for study in worth[THRESHOLDS[0]]:
            others = {
                at: Shares.mean([part for name, part in parts.items() if name != study]) for at, parts in shares.items()
            }
            best = max(others, key=lambda at: (min(MOST_WRONG - others[at].wrong, 0.0), others[at].useful))
            chosen.append(shares[best][study])
        return Shares.mean(chosen)


def fit(folder: Path, photos: Sequence[FieldPhoto], services: Services, clean: Path | None) -> str:
    """Return tables of thresholds, of weights, and of what a clean photo loses."""
    tried = Fit(folder, photos, services)
    naming = tried.naming
    rows = [[f"threshold {at:g}", *tried.mean(replace(naming, threshold=at)).cells()] for at in THRESHOLDS]
    rows += [[f"weight {weight:g}", *tried.mean(replace(naming, weight=weight)).cells()] for weight in WEIGHTS]
    rows += [
        ["one look", *tried.mean(naming, again=False).cells()],
        ["one look, no rivals", *tried.mean(replace(naming, weight=0.0), again=False).cells()],
        ["threshold chosen on other studies", *tried.left_out().cells()],
    ]
    found = table(rows, ["means over the studies", *HEADS])
    return f"{found}\n\n{_clean(clean, services)}" if clean else found


def _clean(folder: Path, services: Services) -> str:
    """Return a table of the share of clean photos of animals that are named as narrowly as can be, without places."""
    narrowest = {animal.taxon for animal in services.models.everything().animals}
    animals = len(services.models.taxonomy.animals)
    paths = [path for path in sorted(folder.iterdir()) if int(path.name.partition("_")[0]) < animals]
    looks = list(looks_at(paths, [NO_LOCATION] * len(paths), services))
    rows = []
    for at in THRESHOLDS:
        named = [each.name(replace(services.eyes.naming, threshold=at)) for each in looks]
        share = fmean(each is not None and (each.taxon in narrowest or _is_species(each)) for each in named)
        rows.append([f"threshold {at:g}", f"{share:.1%}"])
    return table(rows, [f"{len(paths)} clean photos", "named as a species, or as narrowly as the model can"])


def _is_species(prediction: Prediction) -> bool:
    return any(taxon.rank == "species" for taxon in prediction.lineage)
