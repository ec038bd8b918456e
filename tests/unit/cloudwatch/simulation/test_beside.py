"""The simulated inbox: photos come in, every one has an end, and those that fail come again."""

import io
import json

from cloudwatch.simulation import schedule
from cloudwatch.simulation.beside import Inbox


def test_every_photo_is_done_once_and_those_of_an_outage_come_again() -> None:
    # GIVEN a day
    out, oldest = io.StringIO(), 0.0
    inbox = Inbox(1, "prod", out)
    # WHEN it passes
    for minute in range(schedule.MINUTES):
        for _, _, values in inbox.minute(schedule.START + 60 * minute):
            age = values.get("ApproximateAgeOfOldestMessage", 0.0)
            assert isinstance(age, int | float)
            oldest = max(oldest, age)
    # THEN all photos of cards and cameras are done, some of them at the second attempt
    records = [json.loads(line) for line in out.getvalue().splitlines()]
    done = sum(record["BatchIdentified"] + record["BatchUnreadable"] for record in records)
    assert done == 20 * 100 + 10 * 30 + schedule.MINUTES // 2
    assert 0 < sum(record["BatchFailed"] for record in records) <= 10 * 30 + 5
    # AND none waited for so long that the alarm batch-age fires
    assert 30 * 60 <= oldest < 14_400
