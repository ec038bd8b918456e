"""`make warm`: run the scheduled warming function once, as Lambda would, and print its report.

`chalice local` never runs schedules. This calls the function that `app.py` schedules, through Chalice's own handler,
on the stores of `DATABASE_URL` and `REDIS_URL`. `--on-schedule` repeats it until it is stopped, as `make run` does.
"""

import argparse
import json
import sys
import time
from typing import Any

from local.lambda_sim.events import scheduled_event

FUNCTION = "warm"
GRANTED_MS = 60_000
"""Time limit of the deployed function."""


def warm_once() -> dict[str, Any]:
    """Run the scheduled function; return its report."""
    from chalice.local import LambdaContext

    from app import app

    context = LambdaContext(FUNCTION, 512, GRANTED_MS)
    report: dict[str, Any] = app.handler_map[FUNCTION](scheduled_event(FUNCTION), context)
    return report


def main() -> int:
    """Run the function once, or on its schedule; return 1 if a store failed during a single run."""
    description = "Run the scheduled warming once and print its report."
    parser = argparse.ArgumentParser(prog="python -m local.stack.warm", description=description)
    parser.add_argument("--on-schedule", action="store_true", help="repeat it every WARM_MINUTES until stopped")
    on_schedule: bool = parser.parse_args().on_schedule
    while True:
        report = warm_once()
        print(json.dumps(report), flush=True)
        if not on_schedule:
            return 0 if not report["faults"] else 1
        from app import settings  # importing the app takes a second, and argparse's --help needs none of it

        time.sleep(settings.warm_minutes * 60)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
