"""What answers are worth where a head names the animals: camera-trap photos of cameras that it has not seen.

    python -m benchmarks.heads FOLDER              FOLDER: photos and labels.csv, as of `benchmarks.field --traps`
    python -m benchmarks.heads FOLDER --set caltech --folds 5

For each fold of cameras, a head is trained on the photos of the others, as `faunalens train --night` does, and answers
those of the fold by the whole request path, with their place. The first row is without heads.
"""

import argparse
import csv
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.field.answers import Answered, answer_all, lineages_of, local_services
from benchmarks.field.figures import groups
from benchmarks.field.truth import read_traps
from chalicelib.services import Services
from cli.deployments import Deployments
from cli.engines.local import cache_of
from cli.training.evaluation import Evaluation
from cli.training.features import Eye, Memory, Seen, see
from cli.training.fit import learn, taxa_of
from cli.training.labels import Labels
from cli.training.pack import About, animals_of, write_pack

NAME = "held_out"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.heads", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path, help="photos and labels.csv")
    parser.add_argument(
        "--set", default="caltech", help="the photos to learn from and to answer (default: %(default)s)"
    )
    parser.add_argument("--folds", type=int, default=5, help="parts of the cameras (default: %(default)s)")
    parser.add_argument("--precision", type=float, default=0.95, help="as of `faunalens train` (default: %(default)s)")
    options = parser.parse_args()
    services = local_services()
    photos = [each for each in read_traps(options.folder, lineages_of(services)) if each.study == options.set]
    with (options.folder / "labels.csv").open(encoding="utf-8-sig", newline="") as file:
        camera = {row["file"]: row["location"] for row in csv.DictReader(file)}
    names = {Path(each.file).name for each in photos}
    seen = [each for each in seen_in(options.folder, services) if each.photo.photo.name in names]
    after: list[Answered] = []
    for fold in range(options.folds):
        inside = {*sorted({*camera.values()})[fold :: options.folds]}
        with tempfile.TemporaryDirectory() as folder:
            train([each for each in seen if each.photo.camera not in inside], Path(folder), services, options.precision)
            those = [each for each in photos if camera[each.file] in inside]
            after += answer_all(options.folder, those, local_services(Path(folder)), with_places=True)
        print(groups("photos", {f"{fold + 1} of {options.folds} folds": after}), flush=True)
    services.recogniser.models.heads = ()
    before = answer_all(options.folder, photos, services, with_places=True)
    print(groups("photos", {"without a head": before, "a head of other cameras": after}))


def seen_in(folder: Path, services: Services) -> list[Seen]:
    """Return the animals of labelled photos, and keep what the general model sees in them as `faunalens train` does."""
    labels, recogniser = Labels(), services.recogniser
    labels.add(folder / "labels.csv", None, Deployments())
    eye = Eye(recogniser.models.general, recogniser.detectors.get(), services.photos)
    memory = Memory(cache_of(os.environ) / f"features-{eye.version}.sqlite")
    return see(labels.photos, eye, memory, os.process_cpu_count() or 1).seen


def train(seen: Sequence[Seen], folder: Path, services: Services, precision: float) -> None:
    """Write the pack of a head for photos by night in the United States."""
    models = services.recogniser.models
    taxa, _ = taxa_of([each.photo for each in seen])
    animals = animals_of(taxa, {each.taxon_id: each for each in models.everything().animals})
    blank = Evaluation(NAME, animals, (), {}, (), 0, 0, (), precision, models.general.version, night=True)
    head, evaluation = learn(seen, blank)
    write_pack(folder, head, evaluation, About("none", "a benchmark", frozenset(), ("US",)))


if __name__ == "__main__":
    main()
