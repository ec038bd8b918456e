"""docs/reference/logs.md: what a line may hold is documented, or it does not exist."""

import json
import re

from chalicelib.config.settings import ROOT
from chalicelib.errors import BadRequest
from chalicelib.features.warming import WarmingReport
from chalicelib.shadow import of_comparison
from chalicelib.telemetry.drift import Shift, of_shift
from chalicelib.telemetry.logs import FIELDS
from chalicelib.telemetry.record import Failure, of_warming
from tests.support.records import complete

PAGE = (ROOT / "docs" / "reference" / "logs.md").read_text(encoding="utf-8")


def test_every_property_of_a_line_of_metrics_is_listed_and_no_other() -> None:
    # GIVEN requests with everything that one can have
    record = complete("redis_timeout")
    record.failure = Failure.of(BadRequest("x"))
    record.seconds["fetch"] = 0.1
    known = record.summary().properties.keys() | of_warming("r", WarmingReport()).properties.keys()
    known |= of_comparison("model", "same").properties.keys()
    known |= of_shift("quality", Shift(0.0, ""), 0, 0).properties.keys()
    # THEN the table of properties has just those
    table = PAGE.partition("## Lines of metrics")[2].partition("Each further dimension")[0]
    listed = {name for row in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)}
    assert listed == known


def test_every_field_of_a_line_of_log_is_named_and_the_line_that_is_shown_is_one_that_the_app_writes() -> None:
    assert not [field for field in FIELDS if f"`{field}`" not in PAGE.partition("## Lines of log")[2]]
    # GIVEN the example, which is one line of JSON written on several
    (example,) = re.findall(r"^    (\{\"level\".*?\})$", PAGE, re.MULTILINE | re.DOTALL)
    line = json.loads(" ".join(example.split()))
    # THEN its message and its fields are the app's
    source = (ROOT / "chalicelib" / "telemetry" / "logs.py").read_text(encoding="utf-8")
    assert f'"{line["message"]}"' in source
    assert line.keys() <= {"level", "time", "logger", "message", "function", "stage", *FIELDS}
