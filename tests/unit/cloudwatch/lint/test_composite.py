"""Lint of composites: rules, names, cycles, and alarms that notify no one."""

from typing import Any

import pytest

from cloudwatch.lint.composite import check
from tests.unit.cloudwatch.lint.small_folder import PAGE, SHARE, SLOW

type Files = dict[str, tuple[str, dict[str, Any]]]


def files(**bodies: dict[str, Any]) -> Files:
    return {
        name: (
            f"{name}.json",
            {"AlarmName": f"faunalens-STAGENAME-{name}", "AlarmDescription": f"RUNBOOKURL#{name}"} | body,
        )
        for name, body in bodies.items()
    }


def findings(composites: Files, alarms: Files | None = None) -> list[str]:
    return [str(finding) for finding in check(composites, files(slow=SLOW, share=SHARE) if alarms is None else alarms)]


def rule(text: str, **more: Any) -> dict[str, Any]:
    return {"AlarmRule": text, "AlarmActions": ["ALARMTOPIC"]} | more


BROKEN = [
    ({"AlarmRule": ""}, 'AlarmRule is ""; write a string of 1 to 10240 characters'),
    ({"AlarmRule": 'ALARM("a") AND'}, "AlarmRule: expected"),
    (
        {"AlarmRule": 'ALARM("faunalens-STAGENAME-slwo")'},
        'no file defines an alarm "faunalens-STAGENAME-slwo"; did you',
    ),
    ({"AlarmRuel": "x"}, 'AlarmRuel is not a known key; did you mean "AlarmRule"?'),
    (
        {"ActionsSuppressor": "faunalens-STAGENAME-slow"},
        "only ActionsSuppressor is set; set all of ActionsSuppressor, ",
    ),
    ({"AlarmActions": ["somebody"]}, 'AlarmActions has "somebody"; write "ALARMTOPIC"'),
    ({"AlarmDescription": "Wake up."}, "AlarmDescription does not link to the runbook"),
]


def test_a_good_one_has_no_findings() -> None:
    assert findings(files(page=PAGE)) == []


@pytest.mark.parametrize(("change", "message"), BROKEN, ids=lambda each: str(each)[:40])
def test_findings_name_the_file(change: dict[str, Any], message: str) -> None:
    found = findings(files(page=PAGE | change))
    assert [finding for finding in found if message in finding and finding.startswith("page.json: ")], found


def test_a_composite_needs_a_rule() -> None:
    (found, *_) = findings(files(page={"AlarmActions": ["ALARMTOPIC"]}), {})
    assert "AlarmRule is missing; write a string of 1 to 10240 characters" in found


def test_a_cycle_is_found_without_those_that_only_depend_on_it() -> None:
    # GIVEN a composite that names two that name one another
    composites = files(
        page=rule('ALARM("faunalens-STAGENAME-one") OR ALARM("faunalens-STAGENAME-slow")'),
        one=rule('ALARM("faunalens-STAGENAME-two") OR ALARM("faunalens-STAGENAME-share")'),
        two=rule('NOT OK("faunalens-STAGENAME-one")'),
    )
    found = [each for each in findings(composites) if "depends on itself" in each]
    assert [each.split(":")[0] for each in found] == ["one.json", "two.json"]


def test_an_alarm_that_notifies_no_one_is_found() -> None:
    # GIVEN an alarm that no composite names
    page = files(page=rule('ALARM("faunalens-STAGENAME-slow")'))
    (found,) = findings(page)
    assert found.startswith(
        'share.json: no composite names this alarm and it has no "AlarmActions", so it notifies no one'
    )
    # WHEN it notifies the topic itself, or suppresses another, THEN it is fine
    assert findings(page, files(slow=SLOW, share=SHARE | {"AlarmActions": ["ALARMTOPIC"]})) == []
    waits = {"ActionsSuppressorWaitPeriod": 60, "ActionsSuppressorExtensionPeriod": 60}
    suppressed = rule('ALARM("faunalens-STAGENAME-slow")', ActionsSuppressor="faunalens-STAGENAME-share", **waits)
    assert findings(files(page=suppressed)) == []


def test_a_rule_names_at_most_a_hundred_alarms() -> None:
    alarms = files(**{f"a{number}": SLOW for number in range(101)})
    text = " OR ".join(f'ALARM("faunalens-STAGENAME-{name}")' for name in alarms)
    (found,) = findings(files(page=rule(text)), alarms)
    assert "names 101 alarms, but at most 100 are allowed" in found
