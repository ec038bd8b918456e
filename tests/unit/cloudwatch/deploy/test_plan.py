"""The steps of a deploy, and their description."""

from cloudwatch.deploy.diff import coloured, diff, pretty
from cloudwatch.deploy.plan import plan
from cloudwatch.deploy.resources import Resource
from cloudwatch.files import Kind


def resource(kind: Kind, name: str, **content: object) -> Resource:
    return Resource(kind, name, content or {"Threshold": 1}, handle=f"arn:{name}")


def described(desired: list[Resource], present: list[Resource], removable: list[Resource]) -> list[str]:
    steps, _ = plan(desired, present, removable.__contains__)
    return [next(step.describe()) for step in steps]


def test_only_differences_become_steps() -> None:
    # GIVEN one that is up to date, one that differs, one that is missing and one to remove
    same, old, gone = resource("alarm", "same"), resource("alarm", "new", Threshold=1), resource("alarm", "gone")
    desired = [same, resource("alarm", "new", Threshold=2), resource("query", "q")]
    steps, _ = plan(desired, [same, old, gone], lambda _: True)
    assert [next(step.describe()) for step in steps] == ["~ alarm new", "+ query q", "- alarm gone"]
    # AND a change lists the lines
    assert list(steps[0].describe())[1:] == [
        "    @@",
        "     {",
        '    -  "Threshold": 1',
        '    +  "Threshold": 2',
        "     }",
    ]


def test_resources_that_no_deploy_has_put_are_left_alone() -> None:
    foreign = resource("alarm", "foreign")
    assert plan([], [foreign], lambda _: False) == ([], [foreign])


def test_composites_are_removed_before_their_alarms_and_after_all_puts() -> None:
    alarm = resource("alarm", "a")
    inner = resource("composite", "inner", AlarmRule="ALARM(a)")
    outer = resource("composite", "outer", AlarmRule="ALARM(inner)")
    gone = [alarm, inner, outer]
    assert described([resource("alarm", "b")], gone, gone) == [
        "+ alarm b",
        "- composite outer",
        "- composite inner",
        "- alarm a",
    ]


def test_an_alarm_that_becomes_a_composite_is_removed_first() -> None:
    old = resource("alarm", "x")
    new = resource("composite", "x", AlarmRule="ALARM(b)")
    assert described([new], [old], [old]) == ["- alarm x", "+ composite x"]


def test_composites_that_name_a_replaced_alarm_wait_for_it() -> None:
    old, new = resource("alarm", "x"), resource("composite", "x", AlarmRule="ALARM(b)")
    page = resource("composite", "page", AlarmRule="ALARM(x)")
    assert described([resource("alarm", "b"), new, page], [old], [old]) == [
        "+ alarm b",
        "- alarm x",
        "+ composite x",
        "+ composite page",
    ]


def test_a_second_query_of_the_same_name_is_removed() -> None:
    one, two = Resource("query", "q", {"a": 1}, "id-1"), Resource("query", "q", {"a": 1}, "id-2")
    steps, _ = plan([resource("query", "q", a=1)], [one, two], lambda _: True)
    assert [(step.action, step.resource.handle) for step in steps] == [("remove", "id-2")]


def test_differences_are_a_few_lines_around_what_changes() -> None:
    # GIVEN two long bodies that differ in one line of a metric array
    rows = [["Faunalens", f"Metric{number}", "service", "faunalens", {"id": f"m{number}"}] for number in range(30)]
    before, after = {"metrics": rows}, {"metrics": [*rows[:20], ["Faunalens", "Other"], *rows[21:]]}
    lines = list(diff(before, after))
    assert lines[0] == "@@"
    assert [line for line in lines if line.startswith(("+", "-"))] == [
        '-    ["Faunalens", "Metric20", "service", "faunalens", {"id": "m20"}],',
        '+    ["Faunalens", "Other"],',
    ]
    assert len(lines) == 1 + 2 + 2 + 2
    assert list(diff(before, before)) == []


def test_short_json_stays_on_one_line() -> None:
    assert pretty({"a": [1, 2], "b": {}, "c": ["x" * 120]}) == (
        '{\n  "a": [1, 2],\n  "b": {},\n  "c": [\n    "' + "x" * 120 + '"\n  ]\n}'
    )


def test_signs_have_colours() -> None:
    assert coloured("+ alarm a") == "\x1b[32m+ alarm a\x1b[0m"
    assert coloured("    -  1") == "\x1b[31m    -  1\x1b[0m"
    assert coloured("    same") == "    same"
