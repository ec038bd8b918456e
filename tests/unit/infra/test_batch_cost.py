"""The cost of a million photos in batches: each item from its price, and the settings that it assumes."""

import pytest

from infra.batch_cost import BACKFILL_BATCH, BATCH, backfill_bill, hours, million_bill, photo_ms, storage_month
from infra.cost import current_prices
from infra.cost_page import billed_ms
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


def test_less_memory_takes_longer_and_saves_what_it_does_not_wait_for() -> None:
    # GIVEN half a core and a core THEN computing costs the same, and waiting half
    half, whole = (million_bill(photo_ms(billed_ms(memory)), memory, PRICES)["Lambda"] for memory in (884, 1769))
    assert half < whole < 1.3 * half


def test_a_million_photos_take_as_long_as_there_are_containers() -> None:
    assert hours(130, 50) == pytest.approx(0.722, abs=0.001)
    assert storage_month(PRICES) == pytest.approx(4000 * 0.023)


def test_a_batch_is_that_of_the_template() -> None:
    stream = resources("stream.yaml", {"Stage": "dev", "StreamConcurrency": "2"})["Stream"]["Properties"]
    assert stream["BatchSize"] == BATCH
    assert definition()["States"]["Photos"]["ItemBatcher"]["MaxItemsPerBatch"] == BACKFILL_BATCH
