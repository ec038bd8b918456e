"""The functions' logs: one file per function, and one file with the metrics of all of them."""

from pathlib import Path
from threading import Lock

from chalicelib.telemetry.emf import open_metrics

SHOWN = ("REPORT ", "RequestId: ")
"""Lines with these prefixes are printed on the terminal too."""


class FunctionLog:
    """Writes NAME.log for each function in a folder, like CloudWatch's log groups. Thread-safe."""

    def __init__(self, folder: Path, metrics: Path) -> None:
        self._folder = folder
        self._metrics = metrics
        self._lock = Lock()
        self._opened: set[str] = set()

    def write(self, function: str, container: str, line: str) -> None:
        """Log one line that a container printed, or that Lambda logs about a container."""
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
