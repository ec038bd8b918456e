"""Run benchmarks one after the other and print their tables: `make bench`. docs/explanation/results.md keeps them."""

import argparse
import subprocess
import sys

MODULES = ("request", "batch", "start", "features")


def main() -> None:
    """Run each benchmark in a process of its own."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("modules", nargs="*", default=MODULES, help=f"benchmarks to run (default: {' '.join(MODULES)})")
    for name in parser.parse_args().modules:
        print(f"## `python -m benchmarks.{name}`\n", flush=True)
        if code := subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=False).returncode:
            sys.exit(f"benchmarks.{name} failed with exit code {code}; its error is above")
        print(flush=True)


if __name__ == "__main__":
    main()
