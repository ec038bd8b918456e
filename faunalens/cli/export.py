"""`faunalens export`: a results file in the formats of camera-trap studies."""

from collections.abc import Callable, Mapping
from datetime import tzinfo
from pathlib import Path
from typing import Literal, NamedTuple

import click

from faunalens.cli import options
from faunalens.cli.options import option
from faunalens.exports.camtrap_dp import write_camtrap_dp
from faunalens.exports.coco import write_coco
from faunalens.exports.darwin_core import write_dwca
from faunalens.exports.files import own_files
from faunalens.exports.flat_csv import write_csv
from faunalens.exports.megadetector import write_megadetector
from faunalens.exports.xmp import write_sidecars
from faunalens.study.deployments import parse_zone
from faunalens.study.results import ResultsFile


class Format(NamedTuple):
    """An export format, and the option that names its file or folder.

    `wants`: names of the arguments that `write` takes after study and path. `precision`: degrees to which the format's
    coordinates are rounded, unless the command says otherwise.
    """

    write: Callable[..., None]
    type: click.Path
    help: str
    wants: tuple[Literal["about", "min_confidence"], ...] = ()
    precision: float = 0.0


FORMATS: Mapping[str, Format] = {
    "csv": Format(write_csv, options.FILE, "A row for each photo, for spreadsheets."),
    "camtrap_dp": Format(write_camtrap_dp, options.FOLDER, "A package of Camtrap DP 1.0.", ("about",), options.PUBLIC),
    "megadetector": Format(
        write_megadetector, options.FILE, "MegaDetector's batch JSON, for Timelapse.", ("min_confidence",)
    ),
    "coco": Format(write_coco, options.FILE, "COCO Camera Traps JSON.", ("about",)),
    "dwca": Format(
        write_dwca, options.FILE, "A Darwin Core Archive of the animals, for GBIF.", ("about",), options.PUBLIC
    ),
    "xmp": Format(
        write_sidecars,
        options.FOLDER,
        "XMP sidecars with keywords for digiKam and darktable, at the photos' paths below FOLDER: beside the photos if "
        "FOLDER is the study's.",
    ),
}


@options.command(short_help="Write the answers in the formats of studies.")
def export(
    results: Path = options.RESULTS,
    timezone: tzinfo | None = option(
        "Time zone of cameras whose deployment has none, such as Australia/Sydney or +10:00.",
        options.Parsed("zone", parse_zone),
        metavar="ZONE",
    ),
    min_confidence: float = option(
        "Leave detections below this confidence out of MegaDetector's JSON.",
        click.FloatRange(0, 1),
        default=0.1,
        metavar="SHARE",
    ),
    force: bool = options.FORCE,
    reading: options.StudyOptions = options.READING,
    **targets: Path | None,
) -> None:
    """Export the answers in RESULTS, in each of the given formats. Reviewed photos are exported as people classified
    them.

    Each file is written whole or not at all; - is standard output. Files that an earlier export of RESULTS made are
    replaced, other files are not.
    """
    named = {name: path for name, path in targets.items() if path}
    if not named:
        raise click.UsageError("no format is named; give one or more of --csv, --camtrap-dp, --megadetector, …")
    if len({path.absolute() for path in named.values()}) < len(named):
        raise click.UsageError("two formats have the same file, and one would overwrite the other; give each its own")
    with (
        ResultsFile(results, write=False) as kept,
        own_files(results, kept, *(path for name, path in named.items() if name != "xmp"), force=force),
    ):
        given = {"about": reading.open(kept)[1], "min_confidence": min_confidence}
        for precision in sorted({FORMATS[name].precision for name in named}):
            study = reading.study(kept, timezone, precision)
            for name, path in named.items():
                if FORMATS[name].precision == precision:
                    FORMATS[name].write(study, path, *(given[each] for each in FORMATS[name].wants))


export.params[1:1] = [  # after RESULTS
    click.Option([f"--{name.replace('_', '-')}"], type=each.type, help=each.help) for name, each in FORMATS.items()
]
