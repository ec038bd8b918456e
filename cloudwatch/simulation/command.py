"""`python -m cloudwatch simulate --out FILE`: write the metrics of a simulated day to a file."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from cloudwatch.progress import Progress
from cloudwatch.simulation.day import SEED, write_day

__all__ = ["SEED", "add_bad_argument", "main", "write_day"]


def main(arguments: Sequence[str]) -> int:
    """Write the metrics of the day to a file. Return 0, or 1 after an error message on standard error."""
    parser = argparse.ArgumentParser(
        prog="python -m cloudwatch simulate",
        description="Write the metrics of a simulated day: a quiet night, a spike, a cache flush, outages.",
    )
    parser.add_argument("--out", type=Path, required=True, help="file to write, about 80 MB")
    parser.add_argument(
        "--seed",
        type=int,
        default=SEED,
        help="seed of the random numbers; one seed always gives the same day (default: 1)",
    )
    add_bad_argument(parser)
    options = parser.parse_args(arguments)
    try:
        with Progress("simulating a day") as progress:
            requests = write_day(options.out, options.seed, progress.update, bad=options.bad)
    except OSError as error:
        print(f"{options.out} cannot be written: {error.strerror}; give another file with --out", file=sys.stderr)
        return 1
    print(f"{options.out}: {requests:,} requests; show them with: python -m cloudwatch preview --file {options.out}")
    return 0


def add_bad_argument(parser: argparse.ArgumentParser) -> None:
    """Add the option `--bad`, which simulates a day on which the alarm `page` fires."""
    parser.add_argument(
        "--bad",
        action="store_true",
        help="simulate a day on which the alarm `page` fires, because requests exceed the limit of containers at noon",
    )
