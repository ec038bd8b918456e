"""The command `python -m web corrections`: lists the answers that people called wrong, for the operator."""

import csv
import os
import sys
from typing import TextIO

from chalicelib.config.settings import Settings
from chalicelib.errors import SettingError, Unavailable
from web.results.open import open_results
from web.results.results import Results
from web.settings import WebSettings

COLUMNS = ("created", "result", "answered", "animal")


def list_corrections(file: TextIO | None = None) -> int:
    """Write all corrections as CSV, the latest first, to standard output by default. Return the exit code."""
    try:
        results = open_results(Settings.from_environment(os.environ), WebSettings.from_environment())
        if results is None:
            raise SettingError("no results are kept; set RESULTS_FOLDER or RESULTS_BUCKET as for the server")
        count = _write(results, file or sys.stdout)
    except (SettingError, Unavailable) as error:
        cause = f" ({error.__cause__})" if error.__cause__ else ""
        print(f"corrections cannot be listed: {error}{cause}", file=sys.stderr)
        return 1
    print(f"{count} corrections; what is older than a result's 30 days is deleted", file=sys.stderr)
    return 0


def _write(results: Results, file: TextIO) -> int:
    corrections = sorted(results.corrections(), reverse=True)
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(COLUMNS)
    for each in corrections:
        writer.writerow(
            (each.created.isoformat(timespec="seconds"), f"/r/{each.result}", each.answered, _inert(each.animal))
        )
    return len(corrections)


def _inert(text: str) -> str:
    """Return a stranger's text so that a spreadsheet does not run it as a formula."""
    return f"'{text}" if text[:1] in "=+-@" else text
