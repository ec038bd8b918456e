"""The cost of photos in batches, and of the web tier: each item from its price and its settings."""

import pytest

from infra.cost import (
    BACKFILL_BATCH,
    BATCH,
    MONTHS,
    backfill_bill,
    current_prices,
    million_bill,
    tier_bill,
)
from infra.template.web import task_size
from testing.aws import definition
from testing.cloudformation import resources

PRICES = current_prices()


def test_each_item_is_time_or_calls_by_their_price() -> None:
    # GIVEN a photo of 130 ms in a function of a gigabyte
    bill = million_bill(130, 1024, PRICES)
    # THEN Lambda is 130,000 GB-seconds and a hundred thousand calls
    assert bill["Lambda"] == pytest.approx(130_000 * 0.0000166667 + 0.02)
    # AND S3 has two writes and a read a photo, SQS a message of its own and two calls a batch
    assert bill["S3, two writes and a read a photo"] == pytest.approx(10.0 + 0.4)
    assert bill["SQS"] == pytest.approx(1.2 * 0.40)


def test_a_backfill_has_steps_and_fewer_calls_in_place_of_messages() -> None:
    stream, backfill = (bill(130, 1024, PRICES) for bill in (million_bill, backfill_bill))
    # THEN ten thousand batches are four steps each, and as many calls
    assert backfill["Step Functions"] == pytest.approx(10_000 * 4 * 0.000025)
    assert backfill["Lambda"] == pytest.approx(130_000 * 0.0000166667 + 0.002)
    assert stream.keys() - backfill.keys() == {"SQS"}


def test_a_batch_is_that_of_the_template() -> None:
    stream = resources("stream.yaml", {"Stage": "dev", "StreamConcurrency": "2"})["Stream"]["Properties"]
    assert stream["BatchSize"] == BATCH
    assert definition()["States"]["Photos"]["ItemBatcher"]["MaxItemsPerBatch"] == BACKFILL_BATCH


def test_the_web_tier_costs_what_its_tasks_have() -> None:
    # GIVEN a month in which the least tasks are enough
    size, idle = task_size(), MONTHS[0]
    by_hand = 730 * 2 * (size.vcpu * PRICES["fargate_vcpu_hour"] + size.memory_mb / 1024 * PRICES["fargate_gb_hour"])
    assert tier_bill(idle, PRICES)["tasks"] == pytest.approx(by_hand)
