"""Lint of queries of Logs Insights: commands, functions, fields, log groups."""

import pytest

from dashboards.lint.body import query_problems

GROUP = "/aws/lambda/faunalens-STAGENAME"

GOOD = [
    "fields @timestamp, request_id, Latency | sort Latency desc | limit 20",
    "# a comment with | and (\nfilter Faults = 1 and ispresent(request_id)\n| stats count(*) as times by code, route",
    'filter @message like /time?out | none/ or code in ["a", "b"] | display cell',
    "stats avg(TopScore) as score, pct(Latency, 99) as p99 by bin(5m) as minute, taxon | sort minute asc",
    "stats count(*) by bin(5m), cell | filter cell != ''",
    "fields faults.0 as fault, `request_id` | dedup fault",
    'parse @message "took * of *" as took, whole | filter took > 3 | stats max(whole)',
    "filter level = 'ERROR' | fields error, trace, details.0, logger, message, status",
    f"SOURCE '{GROUP}' | SOURCE '{GROUP}-warm' | fields WarmingRuns, quiet",
]
BROKEN = [
    ("", "the query has no command; write for instance"),
    ("feilds cell", 'command 1 begins with "feilds", which is not a command; did you mean "fields"?'),
    ("fields Latencyy", 'command 1 (fields): there is no field "Latencyy" here; did you mean "Latency"?'),
    ("fields lat, lon", 'there is no field "lat" here'),
    ("filter ispresnt(cell)", 'there is no function "ispresnt" here; did you mean "ispresent"?'),
    ("stats count(*) as times by cell | sort Latency desc", 'command 2 (sort): there is no field "Latency" here'),
    ("fields @timestmap", 'there is no field "@timestmap" here; did you mean "@timestamp"?'),
    ("SOURCE '/aws/lambda/faunalens-dev' | fields cell", "the project has no log group"),
    ("fields cell " + "# x" * 4000, "characters, but at most 10,000 are allowed"),
]


@pytest.mark.parametrize("text", GOOD)
def test_a_good_one_has_no_findings(text: str) -> None:
    assert list(query_problems(text, [GROUP])) == []


@pytest.mark.parametrize(("text", "message"), BROKEN, ids=lambda each: str(each)[:40])
def test_findings_of_a_query(text: str, message: str) -> None:
    found = list(query_problems(text))
    assert [problem for problem in found if message in problem], found
