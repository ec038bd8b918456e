"""What answers are worth on photos from the field: usable, right, wide, silent or wrong, and what their numbers mean.

    python -m benchmarks.field FOLDER              FOLDER: photos and their truth.csv (benchmarks/field/truth.py)
    python -m benchmarks.field FOLDER --fit        also compare the constants of the rule, and fit certainty.json
    python -m benchmarks.field FOLDER --fit --traps DIR     with camera-trap photos and their labels.csv for the curves

Without FOLDER, `FAUNALENS_FIELD_PHOTOS` names it. The whole request path answers, with the features of this checkout's
dataset and without servers.
"""

import argparse
import os
from pathlib import Path

from benchmarks.field.answers import answer_all, local_services
from benchmarks.field.figures import report
from benchmarks.field.fit import compare, fit_curves, read_cases
from benchmarks.field.truth import Lineage, read_traps, read_truth
from chalicelib.services import Services

FOLDER = "FAUNALENS_FIELD_PHOTOS"


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.field", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", nargs="?", default=os.environ.get(FOLDER), type=Path, help="photos and truth.csv")
    parser.add_argument("--fit", action="store_true", help="also compare constants, and fit certainty.json")
    parser.add_argument("--traps", type=Path, metavar="DIR", help="with --fit: camera-trap photos and labels.csv")
    options = parser.parse_args()
    if options.folder is None:
        parser.error(f"name the folder of the photos, or set {FOLDER}")
    photos, services = read_truth(options.folder), local_services()
    placed, alone = (answer_all(options.folder, photos, services, with_places=known) for known in (True, False))
    print(report(placed, alone), flush=True)
    if options.fit:
        cases = read_cases(options.folder, photos, services)
        print(f"\n{compare(cases, services)}", flush=True)
        if options.traps:
            traps = read_traps(options.traps, _lineages(services))
            cases += read_cases(options.traps, traps, services)
        print(f"\n{fit_curves(cases, services)}")


def _lineages(services: Services) -> list[Lineage]:
    """Return the lineages of all species that models know, and of their relatives."""
    recogniser = services.recogniser
    known = [
        {taxon.rank: taxon.scientific_name for taxon in animal.lineage}
        for animal in recogniser.models.everything().animals
    ]
    relatives = recogniser.naming.families.relatives
    return [
        *(
            {"class": each.class_, "order": each.order, "family": each.family, "genus": each.genus}
            for each in relatives.unknown(relatives.numbers, frozenset())
        ),
        *known,
    ]


if __name__ == "__main__":
    main()
