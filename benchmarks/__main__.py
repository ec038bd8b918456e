"""All tables, one after the other: `make bench`. Each says what it is measured against and what is wanted."""

import argparse
import os
import platform
import subprocess
import sys
from pathlib import Path

MODULES = ("request", "start", "threads", "features", "package", "flush", "lambda_path")
DOCUMENT = Path(__file__).parent.parent / "docs" / "explanation" / "benchmarks.md"
HEAD = """# Benchmarks

Written by `python -m benchmarks --write` on {cores} cores of {machine}, Python {python}. Machines are shared and noisy:
rivals run in turn within one run, and what counts is the ratio of their medians.
"""


def main() -> None:
    """Run each module; print its tables, and write them down if told to."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--write", action="store_true", help="write the tables to docs/explanation/benchmarks.md as well"
    )
    parser.add_argument("modules", nargs="*", default=MODULES, help=f"which to run (default: {' '.join(MODULES)})")
    arguments = parser.parse_args()
    sections = []
    for name in arguments.modules:
        title = f"## `python -m benchmarks.{name}`"
        print(f"{title}\n", flush=True)
        command = [sys.executable, "-m", f"benchmarks.{name}"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            lines = []
            for line in process.stdout or ():
                print(line, end="", flush=True)
                lines.append(line)
        if process.returncode:
            sys.exit(f"benchmarks.{name} failed with exit code {process.returncode}")
        sections.append(f"{title}\n\n{''.join(lines).strip()}\n")
    if arguments.write:
        head = HEAD.format(
            cores=os.process_cpu_count() or 1, machine=platform.machine(), python=platform.python_version()
        )
        DOCUMENT.write_text("\n".join([head, *sections]), encoding="utf-8")
        print(f"written to docs/{DOCUMENT.name}")


if __name__ == "__main__":
    main()
