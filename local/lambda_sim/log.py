"""What containers print: to a file for each function; metrics to the file that dashboards are previewed from."""

from pathlib import Path
from threading import Lock

SHOWN = ("REPORT ", "RequestId: ")
"""Beginnings of lines that are shown on the terminal too."""


class FunctionLog:
    """The logs of functions in a folder: NAME.log, as CloudWatch keeps a group for each. Safe for threads."""

    def __init__(self, folder: Path, metrics: Path) -> None:
        self._folder = folder
        self._metrics = metrics
        self._lock = Lock()
        self._begun: set[str] = set()

    def write(self, function: str, container: str, line: str) -> None:
        """One line that a container printed, or Lambda about it."""
        with self._lock:
            mode = "a" if function in self._begun else "w"
            self._begun.add(function)
            with (self._folder / f"{function}.log").open(mode, encoding="utf-8") as file:
                file.write(f"{container} {line}\n")
            if '"_aws"' in line:
                with self._metrics.open("a", encoding="utf-8") as file:
                    file.write(f"{line}\n")
        if line.startswith(SHOWN):
            print(f"{container} {line.expandtabs(2)}", flush=True)
