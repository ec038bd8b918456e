"""Deploying to a moto server over real HTTP: what is put, what a second deploy does, what goes and what stays."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from moto.cloudwatch.exceptions import CloudWatchException
from moto.cloudwatch.responses import CloudWatchResponse
from moto.core.responses import ActionResult
from moto.moto_api._internal.models import moto_api_backend

from cloudwatch.deploy.command import main
from cloudwatch.deploy.deployment import TAG
from cloudwatch.files import Placeholders, read_files
from local.stack.ports import free_port
from testing.aws import Account, account
from testing.moto_cloudwatch import SavedQueries, extended_cloudwatch
from tests.unit.cloudwatch.lint import small_folder

type Deploy = Callable[..., list[str]]


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[Account, SavedQueries]]:
    """One server for all tests, since it takes half a second to stop."""
    with extended_cloudwatch() as saved, account() as one:
        yield one, saved


@pytest.fixture
def aws(server: tuple[Account, SavedQueries], monkeypatch: pytest.MonkeyPatch) -> Account:
    """An empty account, to which the environment points."""
    one, saved = server
    moto_api_backend.reset()
    saved.definitions.clear()
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in one.environment.items():
        monkeypatch.setenv(name, value)
    return one


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small folder of dashboards, to be changed."""
    small_folder.use_metrics(monkeypatch)
    return small_folder.write(tmp_path)


@pytest.fixture
def deploy(small: Path, capsys: pytest.CaptureFixture[str]) -> Deploy:
    """Deploy the small folder and return the output, without the lines about the target."""

    def run(*options: str, ends: int = 0) -> list[str]:
        assert main(["--stage", "dev", "--folder", str(small), *options]) == ends
        out, err = capsys.readouterr()
        return [
            line
            for line in (err if ends else out).splitlines()
            if not line.startswith(("stage ", "alarms notify ", "the runbook is "))
        ]

    return run


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


class Denied(CloudWatchException):
    """The refusal of AWS if the credentials do not allow an operation."""

    code = "AccessDenied"


@contextmanager
def refusing(*operations: str) -> Iterator[None]:
    """Make AWS refuse some operations."""

    def refuse(_response: CloudWatchResponse) -> None:
        raise Denied("not authorized")

    with ExitStack() as patches:
        for operation in operations:
            patches.enter_context(patch.object(CloudWatchResponse, operation, refuse))
        yield


def names(aws: Account) -> set[str]:
    cloudwatch = aws.client("cloudwatch")
    alarms = cloudwatch.describe_alarms()
    dashboards = cloudwatch.list_dashboards()["DashboardEntries"]
    return {
        *(each["AlarmName"] for kind in ("MetricAlarms", "CompositeAlarms") for each in alarms[kind]),
        *(each["DashboardName"] for each in dashboards),
        *(each["name"] for each in queries(aws)),
    }


def queries(aws: Account) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    more: dict[str, str] = {}
    while True:
        page = aws.client("logs").describe_query_definitions(**more)
        found += page["queryDefinitions"]
        if "nextToken" not in page:
            return found
        more = {"nextToken": page["nextToken"]}


SMALL = {
    "faunalens-dev-slow",
    "faunalens-dev-share",
    "faunalens-dev-page",
    "faunalens-dev-small",
    "faunalens/dev/slowest",
}


def test_what_the_stack_of_the_web_tier_has_created_is_left_alone(aws: Account, small: Path) -> None:
    # GIVEN an alarm and a saved query of the tier beside those of a deploy
    assert main(["--stage", "dev", "--folder", str(small)]) == 0
    rest = {
        "Namespace": "n",
        "MetricName": "m",
        "Period": 60,
        "Statistic": "Sum",
        "Threshold": 1,
        "EvaluationPeriods": 1,
    }
    aws.client("cloudwatch").put_metric_alarm(
        AlarmName="faunalens-dev-web-faults", ComparisonOperator="GreaterThanThreshold", **rest
    )
    aws.client("logs").put_query_definition(name="faunalens/dev/web-errors", queryString="fields @message")
    # WHEN everything that was deployed is removed
    assert main(["--stage", "dev", "--remove"]) == 0
    # THEN those of the tier stay
    assert names(aws) == {"faunalens-dev-web-faults", "faunalens/dev/web-errors"}


def test_all_real_files_are_put_and_a_second_deploy_changes_nothing(
    aws: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN an empty account, which refuses resources in a wrong order, as AWS does
    files = read_files(Placeholders("dev"), tier=False)
    # WHEN the real files are deployed
    assert main(["--stage", "dev"]) == 0
    # THEN everything exists under its name, and was listed before it was put
    wanted = {
        *(f"faunalens-dev-{name}" for name in [*files.alarms, *files.composites, *files.dashboards]),
        *(f"faunalens/dev/{name}" for name in files.queries),
    }
    assert names(aws) == wanted
    out = capsys.readouterr().out.splitlines()
    assert [line for line in out if line.startswith("+ ")] == [
        f"+ {line.split(' put ')[1]}" for line in out if " put " in line
    ]
    assert f"{len(wanted)} to add, 0 to change, 0 to remove" in out
    # AND a dashboard is the file, an alarm has its threshold, a query its log group
    body = aws.client("cloudwatch").get_dashboard(DashboardName="faunalens-dev-service")["DashboardBody"]
    assert json.loads(body) == files.dashboards["service"]
    alarms = aws.client("cloudwatch").describe_alarms(AlarmNames=["faunalens-dev-degraded"])["MetricAlarms"]
    assert alarms[0]["Threshold"] == files.alarms["degraded"]["Threshold"]
    assert {group for each in queries(aws) for group in each["logGroupNames"]} >= {"/aws/lambda/faunalens-dev"}
    # WHEN they are deployed again THEN nothing is put
    with refusing("put_metric_alarm", "put_composite_alarm", "put_dashboard"):
        assert main(["--stage", "dev"]) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("nothing to do: ")


def test_a_stage_without_limits_is_not_deployed(aws: Account, capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN the real files, whose alarms use limits, and a stage without limits
    assert main(["--stage", "team"]) == 1
    # THEN the error names the file to write, and nothing was put
    output = capsys.readouterr().err
    assert output.startswith("error: infra/stages/team.json: stage team has no limits, but its alarms need them")
    assert "copy the file of dev or prod" in output
    assert names(aws) == set()
    # AND --remove works all the same
    assert main(["--stage", "team", "--remove"]) == 0


def test_a_dry_run_only_shows(aws: Account, deploy: Deploy) -> None:
    output = deploy("--dry-run")
    assert {line[2:].split(" ")[1] for line in output if line.startswith("+ ")} == SMALL
    assert output[-1] == "nothing was changed (--dry-run)"
    assert names(aws) == set()


def test_a_change_is_shown_line_by_line_and_only_it_is_put(aws: Account, deploy: Deploy, small: Path) -> None:
    # GIVEN a deployed stage and files in which one of each kind changed
    deploy()
    replace(small / "alarms" / "slow.json", '"Threshold": 2000', '"Threshold": 1500')
    replace(small / "composites" / "page.json", "NOT OK", "ALARM")
    replace(small / "small.json", "timeSeries", "bar")
    replace(small / "queries" / "slowest.txt", "limit 50", "limit 10")
    output = deploy()
    # THEN the old and the new lines are shown
    assert "0 to add, 4 to change, 0 to remove" in output
    for line in ('-  "Threshold": 2000,', '+  "Threshold": 1500,', '-        "view": "timeSeries",', "limit 10"):
        assert any(line in each for each in output), line
    # AND the account has the new ones, and the query only once
    assert deploy() == ["nothing to do: 2 alarms, 1 composites, 1 dashboards, 1 queries are up to date"]
    assert names(aws) == SMALL
    assert len(queries(aws)) == 1


def test_changes_made_in_the_console_are_reverted(aws: Account, deploy: Deploy) -> None:
    deploy()
    aws.client("cloudwatch").put_dashboard(DashboardName="faunalens-dev-small", DashboardBody='{"widgets": []}')
    assert "~ dashboard faunalens-dev-small" in deploy()
    assert "nothing to do" in deploy()[0]


def test_deleted_files_are_removed_and_foreign_resources_stay(aws: Account, deploy: Deploy, small: Path) -> None:
    # GIVEN a deployed stage, an alarm and a dashboard that a person made with such names, and another stage
    deploy()
    cloudwatch = aws.client("cloudwatch")
    alarm = {"EvaluationPeriods": 1, "Threshold": 1, "ComparisonOperator": "GreaterThanThreshold"}
    metric = {"Namespace": "N", "MetricName": "M", "Period": 60, "Statistic": "Sum"}
    cloudwatch.put_metric_alarm(AlarmName="faunalens-dev-mine", **alarm, **metric)
    cloudwatch.put_dashboard(DashboardName="faunalens-dev-copy", DashboardBody='{"widgets": []}')
    assert main(["--stage", "prod", "--folder", str(small)]) == 0
    prod = {name.replace("dev", "prod") for name in SMALL}
    # WHEN the files of an alarm, the composite and the query are deleted, and the other alarm notifies the topic itself
    for path in ("alarms/share.json", "composites/page.json", "queries/slowest.txt"):
        (small / path).unlink()
    replace(
        small / "alarms" / "slow.json", '{"AlarmDescription"', '{"AlarmActions": ["ALARMTOPIC"], "AlarmDescription"'
    )
    (small.parent / "docs" / "how-to" / "runbook.md").write_text("## slow\n", encoding="utf-8")
    output = deploy()
    # THEN they are removed, the composite before its alarm, and the others stay
    removed = [line for line in output if line.startswith("- ")]
    assert removed == ["- composite faunalens-dev-page", "- alarm faunalens-dev-share", "- query faunalens/dev/slowest"]
    assert "kept: alarm faunalens-dev-mine is named like a resource of this stage, but no deploy created it" in output
    assert (
        "kept: dashboard faunalens-dev-copy is named like a resource of this stage, but no deploy created it" in output
    )
    kept = {"faunalens-dev-slow", "faunalens-dev-small", "faunalens-dev-mine", "faunalens-dev-copy"}
    assert names(aws) == kept | prod


def test_a_deleted_dashboard_is_removed_by_its_tag(aws: Account, deploy: Deploy, small: Path) -> None:
    (small / "other.json").write_text((small / "small.json").read_text(encoding="utf-8"), encoding="utf-8")
    deploy()
    (small / "other.json").unlink()
    assert "- dashboard faunalens-dev-other" in deploy()
    assert names(aws) == SMALL


def test_an_alarm_can_become_a_composite(aws: Account, deploy: Deploy, small: Path) -> None:
    # GIVEN an alarm that no composite names any more and that becomes a composite of the same name
    deploy()
    (small / "alarms" / "share.json").unlink()
    rule = 'ALARM("faunalens-STAGENAME-slow")'
    described = {"AlarmDescription": "RUNBOOKURL#share", "AlarmRule": rule, "AlarmActions": ["ALARMTOPIC"]}
    (small / "composites" / "share.json").write_text(json.dumps(described), encoding="utf-8")
    replace(small / "composites" / "page.json", ' OR NOT OK(\\"faunalens-STAGENAME-share\\")', "")
    deploy()
    composites = aws.client("cloudwatch").describe_alarms()["CompositeAlarms"]
    assert {each["AlarmName"] for each in composites} == {"faunalens-dev-page", "faunalens-dev-share"}


def test_remove_removes_what_deploys_have_put_and_nothing_else(aws: Account, deploy: Deploy) -> None:
    deploy()
    aws.client("cloudwatch").put_dashboard(DashboardName="faunalens-dev-copy", DashboardBody='{"widgets": []}')
    deploy("--remove")
    assert names(aws) == {"faunalens-dev-copy"}
    assert deploy("--remove")[-1] == "nothing to do: no deploy has created anything"


def test_a_second_query_of_one_name_is_removed(aws: Account, deploy: Deploy) -> None:
    # GIVEN a saved query that was put twice, which AWS allows
    deploy()
    aws.client("logs").put_query_definition(name="faunalens/dev/slowest", queryString="fields x", logGroupNames=[])
    assert len(queries(aws)) == 2
    deploy()
    (left,) = queries(aws)
    assert left["queryString"] == small_folder.QUERY.strip()


def test_alarms_are_tagged(aws: Account, deploy: Deploy) -> None:
    deploy()
    cloudwatch = aws.client("cloudwatch")
    for alarm in cloudwatch.describe_alarms()["MetricAlarms"]:
        tags = cloudwatch.list_tags_for_resource(ResourceARN=alarm["AlarmArn"])["Tags"]
        assert tags == [{"Key": TAG, "Value": "dev"}]


def test_alarms_notify_the_topic_of_the_stage_or_the_given_one(
    aws: Account, small: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN no topic THEN a warning says so
    assert main(["--stage", "dev", "--folder", str(small)]) == 0
    assert (
        "warning: there is no topic arn:aws:sns:eu-west-1:123456789012:faunalens-dev-alarms" in capsys.readouterr().err
    )
    # WHEN a topic is given THEN alarms notify it, and a warning says that it has no subscription (moto counts none)
    topic = aws.client("sns").create_topic(Name="mine")["TopicArn"]
    assert main(["--stage", "dev", "--folder", str(small), "--topic", topic]) == 0
    assert f"warning: topic {topic} has no confirmed subscription" in capsys.readouterr().err
    (page,) = aws.client("cloudwatch").describe_alarms()["CompositeAlarms"]
    assert page["AlarmActions"] == [topic]


@pytest.mark.usefixtures("aws")
def test_remarks_of_cloudwatch_are_printed(deploy: Deploy) -> None:
    # GIVEN a CloudWatch that accepts a dashboard with a remark
    put = CloudWatchResponse.put_dashboard

    def remark(response: CloudWatchResponse) -> ActionResult:
        put(response)
        message = {"DataPath": "/widgets/1/properties/veiw", "Message": "Should NOT have additional properties"}
        return ActionResult({"DashboardValidationMessages": [message]})

    with patch.object(CloudWatchResponse, "put_dashboard", remark):
        output = deploy()
    assert "    CloudWatch remarks: /widgets/1/properties/veiw Should NOT have additional properties" in output


def test_findings_prevent_the_deploy(aws: Account, deploy: Deploy, small: Path) -> None:
    replace(small / "small.json", '"Requests"', '"Reqests"')
    *findings, last = deploy(ends=1)
    assert last == "error: nothing was deployed; fix the findings above first"
    assert any('the app emits no metric "Reqests"' in finding for finding in findings)
    assert names(aws) == set()


@pytest.mark.usefixtures("aws")
def test_without_region_or_credentials_it_says_what_to_set(deploy: Deploy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    assert deploy(ends=1)[-1].startswith("error: no credentials found; set AWS_PROFILE")
    monkeypatch.delenv("AWS_REGION")
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    assert deploy(ends=1) == ["error: no region is set; use --region, or set AWS_REGION"]


@pytest.mark.usefixtures("aws")
@pytest.mark.filterwarnings("ignore:Exception.Denied.:UserWarning")  # moto knows no such error of CloudWatch's
def test_a_refusal_names_the_operation_and_the_progress(deploy: Deploy) -> None:
    # GIVEN credentials that may put alarms but no dashboards
    with refusing("put_dashboard"):
        output = deploy(ends=1)
    assert "3 of 5 steps are done; deploy again to continue" in output
    assert "error: AWS refused PutDashboard (AccessDenied): not authorized" in output
    assert output[-1].startswith("the credentials must allow cloudwatch: PutDashboard")
    # WHEN they may THEN the rest follows
    assert "2 to add, 0 to change, 0 to remove" in deploy()


@pytest.mark.usefixtures("aws")
def test_an_endpoint_that_is_not_there_is_named(deploy: Deploy, monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN an endpoint without a server, and no waits between the attempts
    url = f"http://127.0.0.1:{free_port()}"
    monkeypatch.setenv("AWS_ENDPOINT_URL", url)
    monkeypatch.setattr(time, "sleep", lambda _: None)
    (output,) = deploy(ends=1)
    assert url in output
    assert output.endswith("Check the region, the network, and AWS_ENDPOINT_URL if it is set")


@pytest.mark.parametrize("stage", ["dev-eu", "Prod"])
def test_an_invalid_stage_is_refused(stage: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--stage", stage])
    assert "use up to 16 lower-case letters and digits" in capsys.readouterr().err


@pytest.mark.usefixtures("aws")
def test_a_terminal_gets_colours(deploy: Deploy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    assert "\x1b[32m+ alarm faunalens-dev-slow\x1b[0m" in deploy("--dry-run")
    monkeypatch.setenv("NO_COLOR", "1")
    assert "+ alarm faunalens-dev-slow" in deploy("--dry-run")
