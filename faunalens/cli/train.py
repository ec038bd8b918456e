"""`faunalens train`: train a pack on labelled photos of the user's cameras, to name the animals there."""

import os
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path

import click

from chalicelib.config.settings import Settings
from chalicelib.services import Services
from faunalens.cli import options
from faunalens.cli.options import argument, option
from faunalens.data.areas.area_cells import read_names, suggest
from faunalens.engines.local import cache_of, of_a_run
from faunalens.errors import CommandError, Exit
from faunalens.study.deployments import Deployments, read_deployments
from faunalens.terminal import MOST_FAULTS, shown, waiting, warn
from faunalens.training.evaluation import About, Evaluation
from faunalens.training.features import NOTHING, Extractor, Memory, crops_of
from faunalens.training.fit import learn, taxa_of
from faunalens.training.labels import Labels
from faunalens.training.pack import COUNTRY, animals_of, areas_named, cells_in, write_pack
from faunalens.words import count

_NAME = re.compile(r"[a-z][a-z0-9_]*")


@options.command(short_help="Train a pack on labels of your own photos.")
def train(
    environment: Mapping[str, str] = options.ENVIRONMENT,
    labels: tuple[Path, ...] = argument(options.ANY, nargs=-1, metavar="LABELS..."),
    pack: Path = option("The folder to write the pack into.", options.FOLDER, required=True),
    name: str = option("The pack's name, in lower-case letters, digits and _.", default="own"),
    root: Path | None = option("The folder of the photos, if not that of LABELS.", options.EXISTING_FOLDER),
    deployments: Path | None = option(
        "Table of the cameras' folders and places, as for `identify`.", options.EXISTING_FILE
    ),
    corrections: Path | None = option(
        "Also learn from this list of `python -m faunalens.web corrections`.", options.EXISTING_FILE
    ),
    pictures: Path | None = option(
        "Folder of the corrections' pictures, if not that of the list.", options.EXISTING_FOLDER
    ),
    precision: float = option(
        "Share of the pack's names that have to be right. A less certain animal keeps a wider name.",
        click.FloatRange(0.5, 0.999),
        default=0.95,
    ),
    night: bool = option("The pack is only for infrared photos."),
    area: tuple[str, ...] = option(
        "Country, or part of one, in which the pack is used, such as US or US-CA. By default the surroundings of the "
        "deployments.",
        multiple=True,
        metavar="CODE",
    ),
    photos: bool = option("Whether the model card shows photos.", None, "--photos/--no-photos", default=True),
    licence: str = option("Licence under which others get the pack.", default="", show_default=False, metavar="NAME"),
    author: str = option("Who made the labels.", default="", show_default=False, metavar="NAME"),
) -> int:
    """Train a pack that names the animals of your own cameras, for `identify --pack`.

    LABELS say what photos show: a results file with reviews, a Camtrap DP, a CSV of Timelapse, COCO JSON, JSON of
    MegaDetector with names, folders named by animal, or a CSV with the columns file and scientific_name, and perhaps
    camera, latitude, longitude and box (left, top, width, height). The detectors find boxes that the labels lack.

    The pack is tested on cameras that it has not seen, since frames of one camera share their background: the model
    card beside it says what to expect. What the general model sees in the photos is kept: if you run it again with more
    labels, or after a crash, only new photos take time. The same labels give the same pack.
    """
    if not _NAME.fullmatch(name):
        raise click.UsageError(f"the name of a pack is '{name}'; expected lower-case letters, digits and underscores")
    known = read_names()
    if unknown := next((code for code in area if code not in known), None):
        raise click.UsageError(f"no country has the code '{unknown}'; {suggest(unknown, known, ())}")
    if not find_spec("sklearn") or not find_spec("onnx"):
        raise CommandError(
            "training needs scikit-learn and onnx, which are not installed; run: pip install 'faunalens[train]'"
        )
    if not labels and not corrections:
        raise click.UsageError("no labels; give LABELS, such as a results file with reviews, or --corrections")
    found, table = Labels(), read_deployments(deployments) if deployments else Deployments()
    with waiting("reading labels"):
        for source in labels:
            found.add(source, root, table)
        if corrections:
            found.add(corrections, pictures, table)
    _warn_of(found.left_out)
    taxa_of(found.photos)  # before minutes are spent on looking at them

    settings = of_a_run(Settings.from_environment({"MODEL_THREADS": "1", **environment}))
    services = Services.build(settings)
    models = services.recogniser.models
    extractor = Extractor(models.general, services.recogniser.detectors.get(), services.photos)
    with closing(Memory(cache_of(environment) / f"features-{extractor.version}.sqlite")) as memory:
        crops, faults = crops_of(found.photos, extractor, memory, os.process_cpu_count() or 1)
    _warn_of(faults)
    taxa, few = taxa_of([each.photo for each in crops])
    if few:
        warn(f"these have too few photos, or cameras, to learn, and are tested as strangers: {', '.join(few)}")
    animals = animals_of(taxa, {each.taxon_id: each for each in models.everything().animals})
    of_cameras = frozenset(cell for each in crops if (cell := each.photo.cell) and each.photo.taxon in taxa)
    cells = cells_in(area) if area else of_cameras
    about = About(
        name,
        animals,
        precision,
        models.general.version,
        unfound=sum(each == NOTHING for each in faults.values()),
        cells=cells,
        areas=tuple(code for code in area if len(code) == COUNTRY),
        places=areas_named(set() if area else cells, area),
        night=night,
        licence=licence,
        author=author,
    )
    with waiting("training"):
        head, evaluation = learn(crops, about)
    _say(evaluation, write_pack(pack, head, evaluation, with_photos=photos))
    return Exit.DONE


def _warn_of(left_out: Mapping[Path, str]) -> None:
    for reason, number in Counter(left_out.values()).most_common(MOST_FAULTS):
        example = next(path for path, each in left_out.items() if each == reason)
        warn(f"{count(number, 'photo is')} left out: {shown(reason)}, such as {shown(str(example))}")


def _say(evaluation: Evaluation, files: Sequence[Path]) -> None:
    total = evaluation.total
    warn(
        f"on cameras that it has not seen: {total.right:.1%} of {total.photos:,} photos right; "
        f"{total.named:.1%} named, and {total.right_of_named or 0:.1%} of these right"
    )
    for row in evaluation.rows:
        named = row.taxon.name if row.taxon else "another animal"
        right = f"; {row.right_of_named:.0%} of photos with its name are right" if row.right_of_named else ""
        warn(
            f"  {named}: {count(row.photos, 'photo')} of {count(row.cameras, 'camera')}, {row.right:.0%} right, "
            f"{row.named:.0%} named{right}"
        )
    if not evaluation.about.cells and not evaluation.about.areas:
        warn("no places are known, so the pack is used everywhere; --deployments or --area limit it to some places")
    warn(f"wrote {', '.join(path.name for path in files)} into {files[0].parent}; the .html is its model card")
    warn(f"use it: faunalens identify PHOTOS --pack {files[0].parent}")
