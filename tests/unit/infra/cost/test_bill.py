"""The bill of a month and of a day: items, order of magnitude, and assumptions that are close to measurements."""

import re
import sys
from dataclasses import replace

import pytest

from chalicelib.config.settings import ROOT
from infra import cost
from infra.cost import ASSUMPTIONS, MONTHS, at_most, bill, full_day
from infra.cost.__main__ import main
from infra.template.web import task_size
from tests.support.aws import definition
from tests.support.cloudformation import parameters, resources

PRICES = cost.current_prices()
_, SMALL, MILLION, LARGE = MONTHS


def test_a_price_by_hand_agrees() -> None:
    # GIVEN a million identifications of 100 ms at 1769 MB and nothing else
    month = replace(MILLION, cold=0.0, files=0.0)
    # THEN Lambda's cost is gigabyte-seconds and calls, with warming every five minutes and upload forms
    seconds = 1e6 * 0.1 + 0.05e6 * 0.005
    by_hand = (seconds * 1.7276 + 730 * 12 * 0.25 * 0.5) * 0.0000166667 + (1.05e6 + 730 * 12) / 1e6 * 0.20
    assert bill(month, PRICES)["Lambda"] == pytest.approx(by_hand)
    assert bill(month, PRICES)["API Gateway"] == pytest.approx(1.05 * 3.50)


def test_a_month_with_pauses_costs_a_range() -> None:
    # GIVEN a database that resumes at up to 2 ACU, which is dev's maximum
    assert at_most(SMALL).capacity == float(parameters("dev")["DatabaseMaxCapacity"]) == 2
    least, most = bill(SMALL, PRICES), bill(at_most(SMALL), PRICES)
    # THEN only the database costs more, four times as much for its capacity, and the month about twice
    hours = cost.awake_hours(SMALL) * PRICES["aurora_acu_hour"]
    assert most["Aurora"] - least["Aurora"] == pytest.approx(1.5 * hours)
    assert {name for name in least if least[name] != most[name]} == {"Aurora"}
    assert 1.8 < sum(most.values()) / sum(least.values()) < 2.2
    # AND one that does not pause has its usual capacity
    assert [at_most(each) for each in (MILLION, LARGE)] == [MILLION, LARGE]


def test_a_day_at_the_limits_by_hand_agrees() -> None:
    # GIVEN prod's 300 requests a second, 46 % of them identifications, and visitors of the page, all day
    day = full_day("prod", PRICES)
    assert day.requests == pytest.approx((300 + 500) * 86_400), "with the files of 100 visitors a second"
    assert day.identifications == pytest.approx(0.46 * 300 * 86_400)
    # THEN its cost is at least that of the calls, the firewall and 100 ms of Lambda for each identification
    calls = day.requests / 1e6 * (2.80 + 0.20 + 0.60)
    assert calls + day.identifications * 0.1 * 1.7276 * 0.0000166667 < day.usual < 3 * calls
    # AND at most 200 containers all day, and a database of 16 ACU
    most = 200 * 86_400 * 1.7276 * 0.0000166667 + 16 * 24 * 0.12
    assert most < day.most < most + day.usual


def test_assumptions_are_near_what_is_measured() -> None:
    # GIVEN the page of results THEN the assumption for one slower core is 1.5 to 4 times the measured time
    text = (ROOT / "docs" / "explanation" / "results.md").read_text(encoding="utf-8")
    (measured,) = re.findall(r"^\| through the app +\| ([\d.]+) ms", text, re.MULTILINE)
    assert 1.5 < ASSUMPTIONS["billed_ms"].value / float(measured) < 4
    # AND the assumptions match the stages' parameters
    assert ASSUMPTIONS["awake_s"].value == float(parameters("dev")["DatabasePauseSeconds"]) + 60
    assert ASSUMPTIONS["log_months"].value * 30 == float(parameters("prod")["LogDays"])


def test_any_month_can_be_asked_for(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert cost.month_like(250_000).missed == SMALL.missed
    monkeypatch.setattr(sys, "argv", ["cost", "250000"])
    main()
    assert re.search(r"250,000 identifications: [\d.]+ to [\d.]+ USD\n(  .*\n)*  Aurora ", capsys.readouterr().out)


def test_no_month_has_fewer_than_no_identifications(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["cost", "-5"])
    with pytest.raises(SystemExit):
        main()
    assert "no negative number" in capsys.readouterr().err


def test_a_million_photos_in_batches_are_time_or_calls_by_their_price() -> None:
    # GIVEN a photo of 130 ms in a function of a gigabyte
    stream, backfill = (each(130, 1024, PRICES) for each in (cost.million_bill, cost.backfill_bill))
    # THEN Lambda is 130,000 GB-seconds and a hundred thousand calls, or ten thousand
    assert stream["Lambda"] == pytest.approx(130_000 * 0.0000166667 + 0.02)
    assert backfill["Lambda"] == pytest.approx(130_000 * 0.0000166667 + 0.002)
    # AND SQS has a message of its own and two calls a batch, Step Functions four steps a batch
    assert (stream["SQS"], backfill["Step Functions"]) == pytest.approx((1.2 * 0.40, 10_000 * 4 * 0.000025))
    # AND a batch is that of the template
    template = resources("stream.yaml", {"Stage": "dev", "StreamConcurrency": "2"})["Stream"]["Properties"]
    batches = template["BatchSize"], definition()["States"]["Photos"]["ItemBatcher"]["MaxItemsPerBatch"]
    assert batches == (cost.BATCH, cost.BACKFILL_BATCH)


def test_the_web_tier_costs_what_its_tasks_have() -> None:
    size = task_size()
    by_hand = 730 * 2 * (size.vcpu * PRICES["fargate_vcpu_hour"] + size.memory_mb / 1024 * PRICES["fargate_gb_hour"])
    assert cost.tier_bill(MONTHS[0], PRICES)["tasks"] == pytest.approx(by_hand)  # the least tasks are enough
