"""The bill of a month: its pieces, its order of size, and that what is assumed is near what is measured."""

import json
import re
import sys
from dataclasses import replace

import pytest

from chalicelib.config.settings import ROOT
from cloudwatch.files import FOLDER
from cloudwatch.preview.evaluate import evaluate
from cloudwatch.preview.series import Store
from cloudwatch.syntax.lines import expand
from infra.cost import (
    ASSUMED,
    HOURS,
    MONTHS,
    RUNS,
    Month,
    awake,
    bill,
    compute,
    containers,
    even,
    gateway,
    like,
    main,
    prices_now,
    requests,
    traces,
)
from infra.cost_page import billed_ms
from testing.cloudformation import parameters

PRICES = prices_now()
IDLE, SMALL, MILLION, LARGE = MONTHS


def test_a_price_by_hand_agrees() -> None:
    # GIVEN a million identifications of 100 ms at 1769 MB and nothing else
    month = replace(MILLION, cold=0.0, files=0.0)
    # THEN Lambda is gigabyte-seconds and calls, warming runs every five minutes, forms are calls as well
    seconds = 1e6 * 0.1 + 0.05e6 * 0.005
    by_hand = (seconds * 1.7276 + 730 * 12 * 0.25 * 0.5) * 0.0000166667 + (1.05e6 + 730 * 12) / 1e6 * 0.20
    assert compute(month, PRICES) == pytest.approx(by_hand)
    assert gateway(month, PRICES) == pytest.approx(1.05 * 3.50)


def test_api_gateway_is_cheaper_above_333_million_calls() -> None:
    month = replace(MILLION, identifications=400e6, files=0.0)
    assert gateway(month, PRICES) == pytest.approx(333 * 3.50 + (420 - 333) * 2.80)


def test_idle_pays_for_nothing_that_computes() -> None:
    pieces = bill(IDLE, PRICES)
    assert awake(IDLE) == 0
    assert sum(pieces[name] for name in ("Lambda", "API Gateway", "S3", "data out")) < 0.05
    assert pieces["Aurora"] < 0.10
    # AND for the runs of warming, which are logged and traced whether anybody asks or not
    assert pieces["logs and traces"] == pytest.approx(8760 * (5.00 / 1e6 + 2.5e-6 * (0.50 + 0.15 * 3 * 0.03)))


def test_more_costs_more_and_each_costs_less() -> None:
    totals = [sum(bill(month, PRICES).values()) for month in MONTHS]
    assert totals == sorted(totals)
    each = [total / month.identifications for total, month in zip(totals[1:], MONTHS[1:], strict=True)]
    assert each == sorted(each, reverse=True)


def test_a_database_that_may_pause_is_awake_between_never_and_always() -> None:
    hours = [awake(replace(SMALL, identifications=count)) for count in (0.0, 1e3, 1e4, 1e6)]
    assert hours == sorted(hours)
    assert hours[0] == 0
    assert hours[-1] == pytest.approx(HOURS)
    assert awake(replace(SMALL, pauses=False)) == HOURS


def test_fargate_is_cheaper_from_where_it_is_said_to_be() -> None:
    point = even(PRICES, MILLION.files)
    assert point is not None
    for factor, is_cheaper in ((0.9, False), (1.1, True)):
        month = replace(MILLION, identifications=point * factor)
        assert (containers(month, PRICES) < compute(month, PRICES) + gateway(month, PRICES)) is is_cheaper
    assert even(PRICES, 0.0) is None


def test_below_one_core_memory_changes_the_time_and_not_the_price() -> None:
    assert billed_ms(1769) == ASSUMED["billed_ms"].value
    assert billed_ms(884) * 884 == pytest.approx(billed_ms(1769) * 1769)
    assert billed_ms(3538) * 2 > billed_ms(1769) > billed_ms(3538)


def test_assumptions_are_near_what_is_measured() -> None:
    # GIVEN the benchmarks' page THEN what is assumed for one slower core is once and a half to four times as much
    text = (ROOT / "docs" / "explanation" / "benchmarks.md").read_text(encoding="utf-8")
    (measured,) = re.findall(r"^\| through the app +\| ([\d.]+) ms", text, re.MULTILINE)
    assert 1.5 < ASSUMED["billed_ms"].value / float(measured) < 4
    # AND what stages are deployed with is what is reckoned with
    pause = float(parameters("dev")["DatabasePauseSeconds"])
    assert ASSUMED["awake_s"].value == pause + 60
    assert ASSUMED["log_months"].value * 30 == float(parameters("prod")["LogDays"])
    for month in (MILLION, LARGE):
        assert float(parameters("prod")["DatabaseMinCapacity"]) <= month.capacity


def test_any_month_can_be_asked_for(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert like(250_000).missed == SMALL.missed
    monkeypatch.setattr(sys, "argv", ["cost", "250000"])
    main()
    said = capsys.readouterr().out
    assert "250,000 identifications: " in said
    assert "Aurora" in said


@pytest.mark.parametrize("month", MONTHS, ids=lambda month: month.name)
@pytest.mark.parametrize("file", ["cost.json", "service.json"])
def test_the_dashboards_count_traces_as_the_bill_does(file: str, month: Month) -> None:
    # GIVEN what a widget takes traces to be, and an hour of the month
    text = (FOLDER / file).read_text(encoding="utf-8")
    (counted,) = set(re.findall(r"PRICE_LOGS_GB \+ ([^\"]*) / 1000000 \* PRICE_XRAY_MILLION_TRACES", text))
    store = Store()
    for name, value in (("runs", requests(month) / HOURS), ("warmruns", RUNS / HOURS)):
        told = {"Namespace": "N", "Dimensions": [[]], "Metrics": [{"Name": name}]}
        store.add(json.dumps({"_aws": {"Timestamp": 3_600_000, "CloudWatchMetrics": [told]}, name: value}))
    # WHEN it is computed
    rows = [["N", name, {"id": name, "visible": False}] for name in ("runs", "warmruns")]
    lines = expand({"metrics": [*rows, [{"expression": counted, "id": "traces"}]], "stat": "Sum", "period": 3600})
    (curve,) = [each for each in evaluate(lines, store, 3600, 7200, 3600) if each.id == "traces"]
    # THEN it is that hour's share
    assert curve.values.tolist() == [pytest.approx(traces(month) / HOURS)]
