"""Run benchmarks one after the other and print their tables: `make bench`."""

import argparse
import os
import platform
import subprocess
import sys
from pathlib import Path

MODULES = ("request", "batch", "backfill", "start", "threads", "features", "package", "flush", "lambda_path")
PAGE = Path(__file__).parent.parent / "docs" / "explanation" / "benchmarks.md"
HEAD = """# Benchmarks

`python -m benchmarks --write` wrote this page on {cores} cores of {machine}, Python {python}. Machines are shared and
noisy, so the cases of a table take turns within one run, and their medians are compared. In a table with ratios the
first row is the baseline, and all rows use the same number of threads. A missed target is marked MISSED.
"""


def main() -> None:
    """Run each benchmark and print its tables; write them to the docs if `--write` is given."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--write", action="store_true", help="also write docs/explanation/benchmarks.md")
    parser.add_argument("modules", nargs="*", default=MODULES, help=f"benchmarks to run (default: {' '.join(MODULES)})")
    options = parser.parse_args()
    found = {}
    for name in options.modules:
        print(f"{_title(name)}\n", flush=True)
        command = [sys.executable, "-m", f"benchmarks.{name}"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            lines = []
            for line in process.stdout or ():
                print(line, end="", flush=True)
                lines.append(line)
        if process.returncode:
            sys.exit(f"benchmarks.{name} failed with exit code {process.returncode}; its error is above")
        found[name] = "".join(lines).strip()
    if options.write:
        PAGE.write_text(updated(PAGE.read_text(encoding="utf-8"), found), encoding="utf-8")
        print(f"wrote {PAGE}")


def updated(page: str, found: dict[str, str]) -> str:
    """Return `page` with a new section for each benchmark in `found`, which maps benchmarks to their output."""
    sections = {}
    for part in page.split("\n## ")[1:]:
        title, _, text = part.partition("\n")
        sections[f"## {title}"] = text.strip()
    sections |= {_title(name): text for name, text in found.items()}
    order = [_title(name) for name in MODULES]
    titles = sorted(sections, key=lambda title: order.index(title) if title in order else len(order))
    cores = os.process_cpu_count() or 1
    head = HEAD.format(cores=cores, machine=platform.machine(), python=platform.python_version())
    return "\n".join([head, *(f"{title}\n\n{sections[title]}\n" for title in titles)])


def _title(name: str) -> str:
    return f"## `python -m benchmarks.{name}`"


if __name__ == "__main__":
    main()
