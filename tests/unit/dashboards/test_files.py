"""Files: placeholders, names, and errors that name the file."""

import json
from pathlib import Path

import pytest

from dashboards.figures import FileError, read_limits
from dashboards.files import UNRESOLVED, Placeholders, Query, read_files
from dashboards.project import ROOT
from tests.unit.dashboards.lint.small_folder import write


@pytest.fixture
def small(tmp_path: Path) -> Path:
    return write(tmp_path)


def test_placeholders_are_replaced_except_the_stage_of_dashboards(small: Path) -> None:
    # GIVEN placeholders WHEN the files are read
    files = read_files(Placeholders("dev", "us-east-2", "999999999999", "https://example.org/runbook"), small)
    # THEN a dashboard has all but the stage, which CloudWatch replaces itself
    widgets = files.dashboards["small"]["widgets"]
    assert widgets[0]["properties"]["markdown"].endswith("[Runbook](https://example.org/runbook#slow)")
    assert widgets[1]["properties"]["region"] == "us-east-2"
    assert widgets[1]["properties"]["metrics"][0][5] == "STAGENAME"
    (arn,) = widgets[3]["properties"]["alarms"]
    assert arn == "arn:aws:cloudwatch:us-east-2:999999999999:alarm:faunalens-STAGENAME-slow"
    # AND an alarm, a composite and a query have the stage too, and their names
    assert files.alarms["slow"]["AlarmName"] == "faunalens-dev-slow"
    assert files.alarms["slow"]["Dimensions"][1]["Value"] == "dev"
    assert files.composites["page"]["AlarmRule"] == 'ALARM("faunalens-dev-slow") OR NOT OK("faunalens-dev-share")'
    assert files.composites["page"]["AlarmActions"] == ["arn:aws:sns:us-east-2:999999999999:faunalens-dev-alarms"]
    assert files.queries["slowest"].log_groups == ("/aws/lambda/faunalens-dev",)


def test_the_line_of_an_alarm_is_at_its_threshold(small: Path) -> None:
    path = small / "small.json"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('"value": 1, "label": "limit"', '"alarm": "slow"'), encoding="utf-8")
    (line,) = read_files(UNRESOLVED, small).dashboards["small"]["widgets"][1]["properties"]["annotations"]["horizontal"]
    assert line == {"value": 2000, "label": "slow", "color": "#d62728"}


@pytest.mark.parametrize(("stage", "choices"), [("test", ["dev", "prod", "test"]), ("dev", ["dev", "prod"])])
def test_the_deployed_stage_is_the_default_and_a_choice(small: Path, stage: str, choices: list[str]) -> None:
    (variable,) = read_files(Placeholders(stage), small).dashboards["small"]["variables"]
    assert (variable["defaultValue"], [each["value"] for each in variable["values"]]) == (stage, choices)


def test_a_query_says_which_logs_it_reads(small: Path) -> None:
    text = "# What warming did.\n# log group: /aws/lambda/faunalens-STAGENAME-warm\nfields quiet"
    (small / "queries" / "warming.txt").write_text(f"{text}\n", encoding="utf-8")
    query = read_files(Placeholders("dev"), small).queries["warming"]
    assert query == Query(text.replace("STAGENAME", "dev"), ("/aws/lambda/faunalens-dev-warm",))


@pytest.mark.parametrize(
    ("stage", "limits", "shown"), [("dev", "", "dev"), ("prod", "", "prod"), ("dev", "prod", "prod")]
)
def test_limits_are_the_stages_own_or_those_of_the_stage_that_is_named(stage: str, limits: str, shown: str) -> None:
    files = read_files(Placeholders(stage, limits=limits))
    # THEN expressions contain the numbers, and titles name the stage of the limits
    watched = files.alarms["lambda-concurrency"]["Metrics"][-1]["Expression"]
    assert watched == f"100 * working / {read_limits(shown, ROOT)['LIMIT_CONTAINERS']}"
    assert f"How full is each part? % of {shown}'s limits" in json.dumps(files.dashboards["service"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "dashboards/small.json: line 1, column 2: invalid JSON"),
        ("[1]", "dashboards/small.json: the file is not a JSON object; write {…}"),
        ('{"a": {"b": 1, "b": 2}}', 'dashboards/small.json: key "b" appears twice in one object; remove one of the'),
        ('{"alarm": "quick"}', 'dashboards/small.json: no file defines the alarm "quick", whose threshold it shows'),
        ('{"a": "2 * PRICE_SOUL"}', "dashboards/small.json: PRICE_SOUL: no price in prices.csv and no limit"),
    ],
)
def test_an_error_names_the_file_and_the_place(small: Path, text: str, message: str) -> None:
    (small / "small.json").write_text(text, encoding="utf-8")
    with pytest.raises(FileError) as error:
        read_files(UNRESOLVED, small)
    assert str(error.value).startswith(message)


def test_the_real_files_are_all_read_and_leave_no_placeholder() -> None:
    files = read_files(Placeholders("dev"))
    texts = [query.text for query in files.queries.values()]
    rest = json.dumps([files.alarms, files.composites, texts])
    assert len(files.alarms) > 30
    assert [each for each in (*UNRESOLVED.values(), "PRICE_", "LIMIT_") if each in rest] == []
