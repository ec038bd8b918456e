"""`faunalens export`: a results file in the formats of camera-trap studies."""

from datetime import tzinfo
from pathlib import Path

import click

from cli.clock import parse_zone
from cli.commands.options import FILE, FOLDER, Parsed, expect_other, results_argument, study_options
from cli.results.file import ResultsFile

EPILOG = """\b
Examples:
  faunalens export study.db --csv photos.csv
  faunalens export study.db --camtrap-dp package/ --metadata study.json
  faunalens export study.db --megadetector timelapse.json --dwca gbif.zip --round-coordinates 0.1
"""


@click.command(epilog=EPILOG, short_help="Write the answers in the formats of studies.")
@results_argument
@click.option("--csv", type=FILE, metavar="FILE", help="A row for each photo, for spreadsheets.")
@click.option("--camtrap-dp", type=FOLDER, metavar="FOLDER", help="A package of Camtrap DP 1.0.")
@click.option("--megadetector", type=FILE, metavar="FILE", help="MegaDetector's batch JSON, for Timelapse.")
@click.option("--coco", type=FILE, metavar="FILE", help="COCO Camera Traps JSON.")
@click.option("--dwca", type=FILE, metavar="FILE", help="A Darwin Core Archive of the animals, for GBIF.")
@click.option(
    "--timezone",
    type=Parsed("zone", parse_zone),
    metavar="ZONE",
    help="Zone of the clocks of cameras whose deployment has none, such as Australia/Sydney or +10:00.",
)
@study_options
def export(
    results: Path,
    *,
    csv: Path | None,
    camtrap_dp: Path | None,
    megadetector: Path | None,
    coco: Path | None,
    dwca: Path | None,
    metadata: Path | None,
    timezone: tzinfo | None,
    event_gap: int,
    round_coordinates: float,
) -> None:
    """Export the answers in RESULTS, in as many formats as are named. Photos that people have reviewed are exported as
    classified by them.

    Exports have the coordinates that you gave. Each file is written whole or not at all.
    """
    if not any((csv, camtrap_dp, megadetector, coco, dwca)):
        raise click.UsageError("no format is named; give one or more of --csv, --camtrap-dp, --megadetector, …")
    from cli.exports.camtrap_dp import write_camtrap_dp
    from cli.exports.coco import write_coco
    from cli.exports.darwin_core import write_dwca
    from cli.exports.description import read_description
    from cli.exports.flat_csv import write_csv
    from cli.exports.megadetector import write_megadetector
    from cli.study.study import Study

    with ResultsFile(results, write=False) as kept:
        expect_other(results, csv, megadetector, coco, dwca)
        study = Study(kept, event_gap, timezone, round_coordinates)
        about = read_description(metadata, study.folder)
        if csv:
            write_csv(study, csv)
        if camtrap_dp:
            write_camtrap_dp(study, camtrap_dp, about)
        if megadetector:
            write_megadetector(study, megadetector)
        if coco:
            write_coco(study, coco, about)
        if dwca:
            write_dwca(study, dwca, about)
