"""How good answers to field photos are: usable, right, wide, silent or wrong; and whether their scores are honest.

    python -m benchmarks.field FOLDER              FOLDER: photos and their truth.csv (benchmarks/field/truth.py)
    python -m benchmarks.field FOLDER --write      also write the tables and the diagram into docs and the page
    python -m benchmarks.field FOLDER --clean DIR  also with a row for clean photos named <output index>_….jpg
    python -m benchmarks.field FOLDER --fit        also fit certainty.json
    python -m benchmarks.field FOLDER --fit --traps DIR --clean DIR --species DIR     with more photos for the curves

Without FOLDER, `FAUNALENS_FIELD_PHOTOS` names it. The whole request path answers, with the features of this checkout's
dataset and without servers.
"""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

from benchmarks.field import figures
from benchmarks.field.answers import Case, answers_of, identify_all, lineages_of, local_services
from benchmarks.field.fit import fit_curves
from benchmarks.field.truth import RANKS, FieldPhoto, read_traps, read_truth
from benchmarks.species import read_species
from chalicelib.model.taxonomy import Animal
from chalicelib.services import Services

FOLDER = "FAUNALENS_FIELD_PHOTOS"


def main() -> None:
    """Print the tables of how good answers to field photos are. Write or fit files if the options ask for it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.field", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", nargs="?", default=os.environ.get(FOLDER), type=Path, help="photos and truth.csv")
    parser.add_argument("--write", action="store_true", help="write the tables into docs/explanation/field.md")
    parser.add_argument("--clean", type=Path, metavar="DIR", help="folder of clean photos, <output index>_….jpg")
    parser.add_argument("--fit", action="store_true", help="also fit certainty.json to the photos")
    parser.add_argument("--traps", type=Path, metavar="DIR", help="with --fit: camera-trap photos and labels.csv")
    parser.add_argument("--species", type=Path, metavar="DIR", help="with --fit: species' photos and truth.csv")
    options = parser.parse_args()
    if options.folder is None:
        parser.error(f"name the folder of the photos, or set {FOLDER}")
    photos, services = read_truth(options.folder), local_services()

    def identified(folder: Path, some: Sequence[FieldPhoto], *, with_places: bool) -> list[Case]:
        return list(identify_all(folder, some, services, with_places=with_places))

    placed, alone = (identified(options.folder, photos, with_places=known) for known in (True, False))
    clean_photos = read_clean(options.clean, services) if options.clean else []
    clean = identified(options.clean, clean_photos, with_places=False)
    answers = answers_of(placed)
    tables = figures.evidence(answers, answers_of(alone), answers_of(clean))
    print(tables, figures.details(answers), sep="\n\n", flush=True)
    if options.write:
        figures.write(tables, answers, figures.by(figures.group_of, answers))
    if options.fit:
        if options.traps:
            traps = read_traps(options.traps, lineages_of(services))
            placed += identified(options.traps, traps, with_places=True)
            alone += identified(options.traps, traps, with_places=False)
        if options.species:
            known = read_species(services.recogniser.models, options.species)
            species = [_photo_of(row["file"], animal, "species") for row, animal, _ in known]
            clean += identified(options.species, species, with_places=False)
        print(f"\n{fit_curves(placed, alone, clean, services.recogniser.naming)}")


def read_clean(folder: Path, services: Services) -> list[FieldPhoto]:
    """Return the photos in a folder whose names, <output index>_….jpg, are of animals that the general model knows."""
    animals = services.recogniser.models.taxonomy.animals
    indices = [(path.name, int(path.name.partition("_")[0])) for path in sorted(folder.iterdir())]
    return [_photo_of(name, animals[index], "clean") for name, index in indices if index < len(animals)]


def _photo_of(file: str, animal: Animal, study: str) -> FieldPhoto:
    lineage = {taxon.rank: taxon.scientific_name for taxon in animal.lineage if taxon.rank in RANKS}
    return FieldPhoto(file, study, animal.scientific_name, lineage, None, study)


if __name__ == "__main__":
    main()
