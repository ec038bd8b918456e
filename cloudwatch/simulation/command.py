"""A simulated day as recorded lines: `python -m cloudwatch simulate --out FILE`.

The app's own metrics leave through its own records and emitter, so that they have the names, the units and the
dimensions that the service writes. What only AWS itself emits is made up beside them, marked `"simulated": true`.
"""

import argparse
import io
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from random import Random

from chalicelib.features.cells import neighbours_of, text_of
from chalicelib.features.warming import read_places
from chalicelib.telemetry.emf import Emitter
from cloudwatch.limits import CONTAINERS, read_limits
from cloudwatch.progress import Progress
from cloudwatch.project import ROOT, SERVICE
from cloudwatch.simulation import day
from cloudwatch.simulation.aws_metrics import AwsMetrics
from cloudwatch.simulation.fleet import DEFAULTS, Fleet
from cloudwatch.simulation.schedule import Schedule
from cloudwatch.simulation.traffic import Traffic

STAGE = "prod"
SEED = 1
CELLS = 2200
"""Cells that traffic ask from."""
RUSH, LONG_RUSH = 1.06, 1.5
"""Traffic who come at one moment, by containers that the stage may have: some are turned away. On a bad day, so many
that somebody is woken."""

type Told = Callable[[float], None]
"""Is told the share of the day that is done."""


def main(arguments: Sequence[str]) -> int:
    """The command. Returns its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m cloudwatch simulate",
        description="Write a simulated day as recorded lines: a quiet night, a spike, a cache flush, faults.",
    )
    parser.add_argument("--out", type=Path, required=True, help="file to write, about 80 MB")
    parser.add_argument(
        "--seed", type=int, default=SEED, help="which day: one seed always writes the same (default: 1)"
    )
    add_bad(parser)
    return _run(parser.parse_args(arguments))


def add_bad(parser: argparse.ArgumentParser) -> None:
    """The argument that makes it a bad day."""
    parser.add_argument(
        "--bad",
        action="store_true",
        help="a day on which somebody is woken: for eight minutes at noon more traffic come than containers may run",
    )


def _run(arguments: argparse.Namespace) -> int:
    try:
        with Progress("simulating a day") as progress:
            requests = write_day(arguments.out, arguments.seed, progress.update, bad=arguments.bad)
    except OSError as error:
        print(f"{arguments.out} cannot be written: {error.strerror}", file=sys.stderr)
        return 1
    print(f"{arguments.out}: {requests:,} requests; python -m cloudwatch preview --file {arguments.out}")
    return 0


def write_day(out: Path, seed: int = SEED, progress: Told = lambda _: None, *, bad: bool = False) -> int:
    """Write the day to a file; returns how many requests it has. Raises OSError."""
    requests = 0
    with out.open("w", encoding="utf-8") as file:
        for number, text in lines(seed, progress, bad=bad):
            file.write(text)
            requests += number
    return requests


def lines(seed: int = SEED, progress: Told = lambda _: None, *, bad: bool = False) -> Iterator[tuple[int, str]]:
    """The day, a minute at a time: how many requests it had, and its lines of embedded metrics.

    `bad`: a day on which more traffic come than containers may run, for so long that somebody is woken.
    """
    random = Random(seed)  # noqa: S311  a simulation
    limits = read_limits(STAGE, ROOT)
    containers = int(limits[CONTAINERS])
    cells = _cells(random)
    fleet = Fleet(random, cells, [_animals(random) for _ in cells])
    traffic = Traffic(random, cells, [text_of(cell) for cell in cells])
    schedule = Schedule(random, cells[: DEFAULTS.warm_hottest])
    amazon = AwsMetrics(random, STAGE, float(limits["LIMIT_DATABASE_ACU"]))
    clock = Clock()
    buffer = io.StringIO()
    emitter = Emitter(SERVICE, STAGE, buffer, now=clock)
    for cell in cells[::2]:  # the day before has left something
        fleet.write(cell, day.START - random.uniform(0, DEFAULTS.features_soft_ttl), warmed=random.random() < 0.6)
    for minutes in range(15, 0, -DEFAULTS.warm_minutes):  # or an alarm would find that it had been silent
        clock.moment = day.START - 60 * minutes
        emitter.emit(schedule.run(clock.moment, fleet))
    rush, when = (LONG_RUSH, day.LONG_RUSH) if bad else (RUSH, day.RUSH)
    arrivals = day.arrivals(random, round(rush * containers), when)
    coming = next(arrivals)
    for minute in range(day.MINUTES):
        begin = day.START + 60 * minute
        number = 0
        if minute == day.FLUSH.start:
            fleet.flush()
        if minute % DEFAULTS.warm_minutes == 0 and begin not in day.WARMING_SILENT:
            clock.moment = begin + 2.0
            run = schedule.run(clock.moment, fleet)
            emitter.emit(run)
            amazon.warmed(run)
        while coming < begin + 60:
            if fleet.busy(coming) >= containers:
                amazon.turned_away()
                coming = next(arrivals, float("inf"))
                continue
            record = traffic.ask(coming, fleet)
            clock.moment = coming + record.total
            emitter.emit(record)
            amazon.asked(record, fleet.busy(coming))
            if record.features and record.features.cache in {"memory", "hit", "stale"}:
                schedule.note(coming, warmed=record.features.trace.warmed)
            number += 1
            coming = next(arrivals, float("inf"))
        for line in amazon.minute(begin, fleet):
            buffer.write(line)
        yield number, buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
        progress((minute + 1) / day.MINUTES)


class Clock:
    """The time of the simulated day."""

    moment = day.START

    def __call__(self) -> float:
        """Seconds since 1970."""
        return self.moment


def _cells(random: Random) -> list[int]:
    """Well-known places first, then what lies around them."""
    busy = list(dict.fromkeys(read_places()))
    random.shuffle(busy)
    around = dict.fromkeys(each for cell in busy for each in neighbours_of(cell))
    return list(dict.fromkeys([*busy, *around]))[:CELLS]


def _animals(random: Random) -> int:
    """How many animals live in a cell; of a few, nothing is known."""
    return 0 if random.random() < 0.03 else round(random.uniform(40, 140))
