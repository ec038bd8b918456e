"""`make warm`: run the scheduled warming once, as Lambda would, and print its report.

`chalice local` never runs schedules. This program calls the scheduled function of `app.py` through Chalice's handler,
with the stores of `DATABASE_URL` and `REDIS_URL`. With `--on-schedule`, which `make run` uses, it repeats the call.
"""

import argparse
import json
import sys
import time
from typing import Any

from infra.functions import function_settings
from local.lambda_sim.api_gateway import scheduled_event

FUNCTION = "warm"


def warm_once() -> dict[str, Any]:
    """Run the scheduled function. Return its report."""
    from chalice.local import LambdaContext

    from app import app

    deployed = function_settings("dev")[FUNCTION]
    context = LambdaContext(FUNCTION, deployed["lambda_memory_size"], deployed["lambda_timeout"] * 1000)
    report: dict[str, Any] = app.handler_map[FUNCTION](scheduled_event(FUNCTION), context)
    return report


def main() -> int:
    """Run the warming once, or on its schedule. Return 1 if a store failed during a single run."""
    description = "Run the scheduled warming once and print its report."
    parser = argparse.ArgumentParser(prog="python -m local.warm", description=description)
    parser.add_argument("--on-schedule", action="store_true", help="repeat the warming every WARM_MINUTES minutes")
    on_schedule: bool = parser.parse_args().on_schedule
    while True:
        report = warm_once()
        print(json.dumps(report, allow_nan=False), flush=True)
        if not on_schedule:
            return 0 if not report["faults"] else 1
        from app import settings  # importing the app takes a second, which --help need not wait for

        time.sleep(settings.warming.minutes * 60)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
