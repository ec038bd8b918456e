"""Logs of the functions: one file per function, and one file with the metrics of all functions."""

from pathlib import Path
from threading import Lock

from chalicelib.telemetry.emf import open_metrics

SHOWN = ("REPORT ", "RequestId: ")
"""Prefixes of the lines that are printed on the terminal too."""


class FunctionLog:
    """Log files in `folder`, NAME.log for each function, like log groups in CloudWatch. Thread-safe.

    Lines with embedded metrics are also appended to the file `metrics`.
    """

    def __init__(self, folder: Path, metrics: Path) -> None:
        self._folder = folder
        self._metrics = metrics
        self._lock = Lock()
        self._opened: set[str] = set()

    def write(self, function: str, container: str, line: str) -> None:
        """Log one line that a container has printed, or that Lambda logs about the container."""
        with self._lock:
            mode = "a" if function in self._opened else "w"
            self._opened.add(function)
            with (self._folder / f"{function}.log").open(mode, encoding="utf-8") as file:
                file.write(f"{container} {line}\n")
            if '"_aws"' in line:
                with open_metrics(self._metrics) as metrics:
                    metrics.write(f"{line}\n".encode())
        if line.startswith(SHOWN):
            print(f"{container} {line.expandtabs(2)}", flush=True)
