"""What a deploy has to do, and how it is told."""

from cloudwatch.deploy.diff import coloured, diff, pretty
from cloudwatch.deploy.plan import plan
from cloudwatch.deploy.resources import Resource
from cloudwatch.files import Kind


def made(kind: Kind, name: str, **content: object) -> Resource:
    return Resource(kind, name, content or {"Threshold": 1}, handle=f"arn:{name}")


def told(desired: list[Resource], present: list[Resource], removable: list[Resource]) -> list[str]:
    return [next(step.describe()) for step in plan(desired, present, removable)]


def test_only_what_differs_is_done() -> None:
    # GIVEN one that is as it should be, one that differs, one that is missing and one too many
    same, old, gone = made("alarm", "same"), made("alarm", "new", Threshold=1), made("alarm", "gone")
    steps = plan([same, made("alarm", "new", Threshold=2), made("query", "q")], [same, old, gone], [gone])
    assert [next(step.describe()) for step in steps] == ["~ alarm new", "+ query q", "- alarm gone"]
    # AND a change says what changes
    assert list(steps[0].describe())[1:] == [
        "    @@",
        "     {",
        '    -  "Threshold": 1',
        '    +  "Threshold": 2',
        "     }",
    ]


def test_what_nobody_put_is_left_alone() -> None:
    foreign = made("alarm", "foreign")
    assert told([], [foreign], []) == []


def test_composites_go_before_what_they_ask_for_and_only_after_the_rest_is_put() -> None:
    alarm = made("alarm", "a")
    inner = made("composite", "inner", AlarmRule="ALARM(a)")
    outer = made("composite", "outer", AlarmRule="ALARM(inner)")
    gone = [alarm, inner, outer]
    assert told([made("alarm", "b")], gone, gone) == [
        "+ alarm b",
        "- composite outer",
        "- composite inner",
        "- alarm a",
    ]


def test_an_alarm_that_becomes_a_composite_goes_first_for_their_names_are_one() -> None:
    old = made("alarm", "x")
    new = made("composite", "x", AlarmRule="ALARM(b)")
    assert told([new], [old], [old]) == ["- alarm x", "+ composite x"]


def test_what_asks_for_an_alarm_that_becomes_a_composite_waits_for_it() -> None:
    old, new = made("alarm", "x"), made("composite", "x", AlarmRule="ALARM(b)")
    page = made("composite", "page", AlarmRule="ALARM(x)")
    assert told([made("alarm", "b"), new, page], [old], [old]) == [
        "+ alarm b",
        "- alarm x",
        "+ composite x",
        "+ composite page",
    ]


def test_a_second_query_of_the_same_name_is_removed() -> None:
    one, two = Resource("query", "q", {"a": 1}, "id-1"), Resource("query", "q", {"a": 1}, "id-2")
    steps = plan([made("query", "q", a=1)], [one, two], [two])
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


def test_json_is_laid_out_as_people_do() -> None:
    assert pretty({"a": [1, 2], "b": {}, "c": ["x" * 120]}) == (
        '{\n  "a": [1, 2],\n  "b": {},\n  "c": [\n    "' + "x" * 120 + '"\n  ]\n}'
    )


def test_signs_have_colours_and_all_else_none() -> None:
    assert coloured("+ alarm a") == "\x1b[32m+ alarm a\x1b[0m"
    assert coloured("    -  1") == "\x1b[31m    -  1\x1b[0m"
    assert coloured("    same") == "    same"
