"""What answers are worth on photos from the field: useful, exact, vague, silent or wrong, and what their words mean.

    python -m benchmarks.field FOLDER              FOLDER: photos and their truth.csv (benchmarks/field/truth.py)
    python -m benchmarks.field FOLDER --fit        also compare thresholds and weights of rivals, on studies left out
    python -m benchmarks.field FOLDER --fit --clean DIR     and what a clean photo named <output index>_….jpg loses

Without FOLDER, `FAUNALENS_FIELD_PHOTOS` names it. The whole request path answers, with the features of this checkout's
dataset and without servers.
"""

import argparse
import os
from pathlib import Path

from benchmarks.field.answers import answer_all, local_services
from benchmarks.field.figures import fit, fit_clean, report
from benchmarks.field.truth import read_truth

FOLDER = "FAUNALENS_FIELD_PHOTOS"


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.field", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", nargs="?", default=os.environ.get(FOLDER), type=Path, help="photos and truth.csv")
    parser.add_argument("--fit", action="store_true", help="also compare thresholds and weights of rivals")
    parser.add_argument("--clean", type=Path, metavar="DIR", help="with --fit: photos named <output index>_….jpg")
    options = parser.parse_args()
    if options.folder is None:
        parser.error(f"name the folder of the photos, or set {FOLDER}")
    photos, services = read_truth(options.folder), local_services()
    placed, alone = (answer_all(options.folder, photos, services, with_places=known) for known in (True, False))
    print(report(placed, alone), flush=True)
    if options.fit:
        print(f"\n{fit(options.folder, photos, services)}", flush=True)
    if options.fit and options.clean:
        print(f"\n{fit_clean(options.clean, services)}")


if __name__ == "__main__":
    main()
