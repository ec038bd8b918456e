"""The simulated inbox: photos come in, every one has an end, and those that fail come again."""

from cloudwatch.simulation import schedule
from cloudwatch.simulation.inbox import Inbox


def test_every_photo_is_done_once_and_those_of_an_outage_come_again() -> None:
    # GIVEN a day
    inbox, done, failed, oldest = Inbox(1, "prod"), 0, 0, 0.0
    # WHEN it passes
    for minute in range(schedule.MINUTES):
        begin = schedule.START + 60 * minute
        for end, record in inbox.minute(begin):
            assert begin < end < begin + 75
            done += record.identified + record.unreadable
            failed += record.failed
        queues = {resource["QueueName"]: values for _, resource, values in inbox.resources() if "QueueName" in resource}
        age = queues["faunalens-prod-inbox"]["ApproximateAgeOfOldestMessage"]
        assert isinstance(age, int)
        oldest = max(oldest, age)
    # THEN all photos of cards and cameras are done, some of them at the second attempt
    assert done == 20 * 100 + 10 * 30 + schedule.MINUTES // 2
    assert 0 < failed <= 10 * 30 + 5
    # AND none waited for so long that the alarm batch-age fires
    assert 30 * 60 <= oldest < 14_400
