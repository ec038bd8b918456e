"""Identify the animals in folders of photos, and export the answers: `faunalens`."""

import os
import sqlite3
import sys
from collections.abc import Sequence

import click

from chalicelib.application import VERSION
from chalicelib.errors import FaunalensError
from cli.commands import batch, completion, export, identify, report, review, status
from cli.errors import CommandError, Exit

EPILOG = """\b
Examples:
  faunalens identify cat.jpg --lat -33.9 --lon 151.2
  faunalens identify card/ --deployments deployments.csv --results study.db
  faunalens export study.db --camtrap-dp package/

\b
Exit codes:
  0    done
  1    the command could not go on; the last line says why
  2    wrong options or arguments
  3    done, but some photos have no answer; `faunalens status` lists them
  4    a run on AWS is still under way
  130  stopped with Ctrl-C; the same command goes on
"""


@click.group(epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(VERSION, prog_name="faunalens")
def faunalens() -> None:
    """Identify the animals in photos, by the folder, and export the answers in the formats of camera-trap studies."""


for command in (identify.identify, batch.batch, status.status, export.export, report.report, review.review):
    faunalens.add_command(command)
faunalens.add_command(completion.completion)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command and exit with its code."""
    sys.exit(run(arguments))


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command. Return its exit code."""
    try:
        code = faunalens.main(arguments, prog_name="faunalens", standalone_mode=False, obj=os.environ)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except FaunalensError as error:
        CommandError(str(error)).show()
        return Exit.FAILED
    except sqlite3.Error as error:
        CommandError(
            f"the results file cannot be read or written ({error}); is the disk full? The same command goes on"
        ).show()
        return Exit.FAILED
    except OSError as error:  # such as standard output on a full disk
        what = error.filename or "a file, or what the command prints,"
        CommandError(f"{what} cannot be read or written ({error.strerror or error}); the same command goes on").show()
        return Exit.FAILED
    except (click.Abort, KeyboardInterrupt):
        click.echo("stopped; the same command goes on where this one ended", err=True)
        return Exit.INTERRUPTED
    return code if isinstance(code, int) else Exit.DONE


if __name__ == "__main__":
    main()
