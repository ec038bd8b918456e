"""What metrics and logs cost: `python -m benchmarks.flush`.

The first table is what one request pays at its end. Lines of metrics are those of an identification with everything
that it can count, written to /dev/null as one write; bare work is `json.dumps` of the same lines. The second table is
what the metrics library costs a cold start: what is imported of it, and all of it, over what a request needs anyway.
"""

import argparse
import io
import json
import logging
import os
from dataclasses import replace
from pathlib import Path
from statistics import median, quantiles

from benchmarks.measure import interleaved, milliseconds, table
from benchmarks.start import fresh
from chalicelib.errors import CacheError
from chalicelib.features.trace import TraceBuilder
from chalicelib.telemetry.emf import Emitter
from chalicelib.telemetry.logs import configure, log_request
from chalicelib.telemetry.record import Record
from testing.records import complete

LIMIT_MS = 0.5
REST = "import app\nfrom chalicelib.stores import redis_client\nfrom chalicelib.telemetry import emf"
IMPORTS = {
    "what a request needs besides": REST,
    "and what is used of the library": f"{REST}\nemf.prepare()",
    "and all of the library": f"{REST}\nimport aws_embedded_metrics",
}


def lines_of(record: Record) -> list[str]:
    """The lines that a record leaves."""
    stream = io.StringIO()
    Emitter("faunalens", "prod", stream).emit(record)
    return stream.getvalue().splitlines()


def with_faults() -> Record:
    """A request that Redis failed."""
    trace = TraceBuilder()
    trace.add_error(CacheError("redis_timeout", "Timeout reading from socket"))
    record = complete()
    assert record.features is not None
    record.features = replace(record.features, faults=tuple(trace.faults), trace=trace.build(warmed=False))
    return record


def flush_table(rounds: int) -> str:
    """What a request pays at its end."""
    record, faulty = complete(), with_faults()
    lines = lines_of(record)
    bodies = [json.loads(line) for line in lines]
    log = logging.getLogger("benchmarks.flush")
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        emitter = Emitter("faunalens", "prod", nowhere)
        configure(log, "json", {"function": "faunalens-prod", "stage": "prod"}, nowhere)
        cases = {
            "bare": lambda: nowhere.write("\n".join(json.dumps(body) for body in bodies)),
            "metrics": lambda: emitter.emit(record),
            "log": lambda: log_request(log, faulty),
        }
        interleaved(cases, rounds // 10)
        times = interleaved(cases, rounds)
    size = sum(len(line) + 1 for line in lines)
    names = {
        "bare": "`json.dumps` of the same",
        "metrics": f"{len(lines)} lines of metrics, {size:,} bytes",
        "log": "1 line of log about a fault",
    }
    rows = [
        [
            names[case],
            f"{median(taken) * 1e3:.3f} ms",
            f"{quantiles(taken, n=100)[98] * 1e3:.3f} ms",
            f"{median(taken) / median(times['bare']):.2f}",
            "" if case == "bare" else f"under {LIMIT_MS} ms",
        ]
        for case, taken in times.items()
    ]
    return table(["at the end of a request", "median", "p99", "ratio", "wanted"], rows)


def start_table(rounds: int) -> str:
    """What a cold start pays."""
    runs = {name: (lambda code=code: fresh(code, {})) for name, code in IMPORTS.items()}
    interleaved(runs, 2)
    times = interleaved(runs, rounds)
    least = median(times["what a request needs besides"])
    rows = [[name, milliseconds(taken), f"{(median(taken) - least) * 1e3:.0f} ms"] for name, taken in times.items()]
    return table(["fresh process that imports", "median", "more"], rows)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=3000, help="requests of each kind (default: 3000)")
    rounds = parser.parse_args().rounds
    print(flush_table(rounds), end="\n\n", flush=True)
    print(start_table(max(5, rounds // 300)))


if __name__ == "__main__":
    main()
