"""Run the scheduled function once, as Lambda would, and say what it did: `make warm`.

`chalice local` never runs schedules. This calls the very function that `app.py` schedules, through Chalice's own
handler, against whatever `DATABASE_URL` and `REDIS_URL` say. With `--on-schedule` it goes on until it is stopped, as
beside `make run`.
"""

import argparse
import json
import sys
import time
from typing import Any

FUNCTION = "warm"
GRANTED_MS = 60_000
"""Time that Lambda would grant, as deployed."""


def warm_once() -> dict[str, Any]:
    """What the scheduled function returns: its report."""
    from chalice.local import LambdaContext
    from chalice.test import Client

    from app import app

    with Client(app) as client:
        event = client.events.generate_cw_event(
            source="aws.events", detail_type="Scheduled Event", detail={}, resources=[f"rule/{FUNCTION}"]
        )
    report: dict[str, Any] = app.handler_map[FUNCTION](event, LambdaContext(FUNCTION, 512, GRANTED_MS))
    return report


def main() -> int:
    description = "Run the scheduled warming once and print its report."
    parser = argparse.ArgumentParser(prog="python -m local.stack.warm", description=description)
    parser.add_argument("--on-schedule", action="store_true", help="go on, WARM_MINUTES apart, until stopped")
    on_schedule: bool = parser.parse_args().on_schedule
    while True:
        report = warm_once()
        print(json.dumps(report), flush=True)
        if not on_schedule:
            return 0 if not report["faults"] else 1
        time.sleep(interval())


def interval() -> float:
    """Seconds between two runs of the schedule."""
    from app import settings

    return settings.warm_minutes * 60


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
