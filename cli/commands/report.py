"""`faunalens report`: one page about a study."""

from pathlib import Path

import click

from cli.commands.options import FILE, expect_other, results_argument, study_options
from cli.results.file import ResultsFile

EPILOG = """\b
Example:
  faunalens report study.db --hide-people --html report.html
"""


@click.command(epilog=EPILOG, short_help="Write one HTML page about the answers.")
@results_argument
@click.option("--html", type=FILE, metavar="FILE", help="Where to write the page. By default beside RESULTS.")
@click.option(
    "--hide-people",
    is_flag=True,
    help="Leave out photos of people. With --boxes at `identify`, also of people beside animals.",
)
@study_options
def report(
    results: Path,
    *,
    html: Path | None,
    hide_people: bool,
    metadata: Path | None,
    event_gap: int,
    round_coordinates: float,
) -> None:
    """Write one HTML page about the answers in RESULTS: taxa, activity by hour, deployments, taxa seen over time, and
    the surest and the least sure photos of each taxon.

    The page holds everything it shows, and needs no network.
    """
    from cli.exports.description import read_description
    from cli.exports.files import whole
    from cli.report.page import page
    from cli.report.summary import summary_of
    from cli.study.study import Study

    target = html or results.with_suffix(".html")
    with ResultsFile(results, write=False) as kept:
        expect_other(results, target)
        study = Study(kept, event_gap, precision=round_coordinates)
        about = read_description(metadata, study.folder)
        text = page(summary_of(study, hide_people=hide_people), about.title, Path(study.folder))
    with whole(target) as partial:
        partial.write_text(text, encoding="utf-8")
    click.echo(str(target))
