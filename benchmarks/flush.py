"""The cost of metrics and logs: `python -m benchmarks.flush`.

The first table shows the end of a request, when the app writes metrics and logs. The request is an identification that
emits every metric, and the output goes to /dev/null. The baseline writes the same metrics with `json.dumps`. The second
table shows the imports of a cold start: without the metrics library, with the part of the library that the app uses,
and with the whole library.
"""

import io
import json
import logging
import os
from dataclasses import replace
from pathlib import Path
from statistics import median, quantiles

from benchmarks.measure import duration, interleaved, parser, table, verdict
from benchmarks.start import time_fresh
from chalicelib.errors import CacheError
from chalicelib.features.trace import Trace
from chalicelib.telemetry.emf import Emitter
from chalicelib.telemetry.logs import configure, log_request
from chalicelib.telemetry.record import Record
from testing.records import complete

LIMIT_MS = 0.5
BARE = "`json.dumps` of the same lines"
REQUEST_IMPORTS = "import app\nfrom chalicelib.stores import redis_client"
IMPORTS = {
    "a request's modules without the library": REQUEST_IMPORTS,
    "these and the used part of the library": f"{REQUEST_IMPORTS}\nfrom chalicelib.telemetry import emf\nemf.prepare()",
    "these and the whole library": f"{REQUEST_IMPORTS}\nimport aws_embedded_metrics",
}


def record_with_fault() -> Record:
    """Return the record of a request during which Redis timed out."""
    error = CacheError("redis_timeout", "Timeout reading from socket")
    record = complete()
    assert record.features is not None
    record.features = replace(record.features, faults=(error.fault,), trace=Trace(details=(error.summary,)))
    return record


def flush_table(rounds: int) -> str:
    """Return the table of the time that metrics and logs take at the end of a request."""
    record, faulty = complete(), record_with_fault()
    stream = io.StringIO()
    Emitter("faunalens", "prod", stream).emit(record)
    text = stream.getvalue()
    bodies = [json.loads(line) for line in text.splitlines()]
    log = logging.getLogger("benchmarks.flush")
    with Path(os.devnull).open("w", encoding="utf-8") as null:
        emitter = Emitter("faunalens", "prod", null)
        configure(log, "json", {"function": "faunalens-prod", "stage": "prod"}, null)
        cases = {
            BARE: lambda: null.write("\n".join(json.dumps(body) for body in bodies)),
            f"{len(bodies)} lines of metrics, {len(text):,} bytes": lambda: emitter.emit(record),
            "1 log line about a fault": lambda: log_request(log, faulty),
        }
        times = interleaved(cases, rounds, warm_up=rounds // 10)
    rows = []
    for name, taken in times.items():
        milliseconds, slow = median(taken) * 1e3, quantiles(taken, n=100)[98] * 1e3
        goal = ["", ""] if name == BARE else [f"under {LIMIT_MS} ms", verdict(milliseconds < LIMIT_MS)]
        ratio = median(taken) / median(times[BARE])
        rows.append([name, f"{milliseconds:.3f} ms", f"{slow:.3f} ms", f"{ratio:.2f}", *goal])
    return table(rows, ["at the end of a request", "median", "p99", "ratio", "target", "result"])


def start_table(rounds: int) -> str:
    """Return the table of the time that imports take in a cold start."""
    times = time_fresh(IMPORTS, rounds, {})
    least = median(next(iter(times.values())))
    rows = [[name, duration(taken), f"{(median(taken) - least) * 1e3:.0f} ms"] for name, taken in times.items()]
    return table(rows, ["fresh process that imports", "median", "more than the first"])


def main() -> None:
    """Print the cost of metrics and logs for a request and for a cold start."""
    rounds = parser(__doc__, 3000, "requests of each kind").parse_args().rounds
    print(flush_table(rounds), end="\n\n", flush=True)
    print(start_table(max(5, rounds // 300)))


if __name__ == "__main__":
    main()
