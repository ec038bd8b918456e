"""`python -m dashboards deploy`: show what differs from AWS, then put it there.

Lint comes first. What an earlier deploy put and no file makes any more is removed. A second deploy has nothing to do.
"""

import argparse
import os
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from dashboards import origin
from dashboards.account import Account
from dashboards.arguments import add_common
from dashboards.diff import coloured
from dashboards.files import FOLDER, Placeholders, read
from dashboards.lint import lint
from dashboards.plan import Step, plan
from dashboards.resources import Resource, desired

ACTIONS = (
    "cloudwatch: PutDashboard GetDashboard ListDashboards DeleteDashboards PutMetricAlarm PutCompositeAlarm "
    "DescribeAlarms DeleteAlarms TagResource ListTagsForResource; "
    "logs: PutQueryDefinition DescribeQueryDefinitions DeleteQueryDefinition; sns: GetTopicAttributes"
)
"""What the credentials must allow, for people who are told that something was not."""


class DeployError(Exception):
    """The deploy cannot go on: what happened and what to do."""


def main(arguments: Sequence[str]) -> int:
    """Deploy. Returns 0, or 1 after a sentence on standard error that says what to do."""
    options = _parser().parse_args(arguments)
    if not options.remove and (report := lint(options.folder.resolve())).findings:
        print(*report.findings, sep="\n", file=sys.stderr)
        print("error: nothing was deployed: mend what lint found first", file=sys.stderr)
        return 1
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        _deploy(options)
    except DeployError as error:
        print(f"error: {error}", file=sys.stderr)
    except ClientError as error:
        print(f"error: {_refused(error)}", file=sys.stderr)
    except BotoCoreError as error:
        print(f"error: {_unreached(error)}", file=sys.stderr)
    else:
        return 0
    return 1


def _deploy(options: argparse.Namespace) -> None:
    session, config = _session(options)
    placeholders = _placeholders(options, session, config)
    clients = {name: session.client(name, config=config) for name in ("cloudwatch", "logs", "sns")}
    account = Account(clients["cloudwatch"], clients["logs"], options.stage)
    topic = placeholders.values()["ALARMTOPIC"]
    print(f"stage {options.stage} in {placeholders.region}, account {placeholders.account}")
    print(f"alarms tell {topic}")
    print(f"the runbook is {placeholders.runbook}")
    wanted = [] if options.remove else desired(read(placeholders, options.folder.resolve()))
    present = account.present()
    gone, left = _gone(account, wanted, present)
    steps = plan(wanted, present, gone)
    _show(steps, left)
    if wanted:
        _warn_of_topic(clients["sns"], topic)
    if not steps and not wanted:
        print("nothing to do: no deploy has put anything")
    elif not steps:
        kinds = Counter(each.kind for each in wanted)
        print(f"nothing to do: {', '.join(_many(count, kind) for kind, count in kinds.items())} are as they should be")
    elif options.dry_run:
        print("nothing was changed (--dry-run)")
    else:
        _run(account, steps)


def _gone(
    account: Account, wanted: Iterable[Resource], present: Iterable[Resource]
) -> tuple[list[Resource], list[Resource]]:
    """What is there and no file makes: put by an earlier deploy, and made by somebody else."""
    names = {(each.kind, each.name) for each in wanted}
    seen: set[tuple[str, str]] = set()
    ours: list[Resource] = []
    others: list[Resource] = []
    for each in present:
        key = (each.kind, each.name)
        if key not in names or key in seen:  # AWS lets two saved queries have one name
            (ours if account.is_ours(each) else others).append(each)
        seen.add(key)
    return ours, others


def _show(steps: Sequence[Step], left: Sequence[Resource]) -> None:
    """Every step, and what changes within."""
    paint = coloured if sys.stdout.isatty() and "NO_COLOR" not in os.environ else str
    for each in left:
        print(f"left alone: {each.title} has a name of ours, but no deploy put it")
    for step in steps:
        print(*map(paint, step.told()), sep="\n")
    counts = Counter(step.action for step in steps)
    if steps:
        print(f"{counts['add']} to add, {counts['change']} to change, {counts['remove']} to remove")


def _run(account: Account, steps: Sequence[Step]) -> None:
    """Do it, a line a step."""
    for number, step in enumerate(steps, 1):
        try:
            if step.after is None:
                account.remove(step.resource)
                remarks = []
            else:
                remarks = account.put(step.after, step.before)
        except Exception:
            print(f"{number - 1} of {len(steps)} steps were done before; deploy again to go on", file=sys.stderr)
            raise
        print(f"[{number}/{len(steps)}] {'removed' if step.after is None else 'put'} {step.resource.title}", flush=True)
        for remark in remarks:
            print(f"    CloudWatch remarks: {remark.strip()}")


def _warn_of_topic(sns: Any, topic: str) -> None:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        sns.get_topic_attributes(TopicArn=topic)
    except ClientError as error:
        if error.response["Error"]["Code"] in ("NotFound", "NotFoundException", "InvalidParameter"):
            print(f"warning: there is no topic {topic}: alarms will wake nobody until there is", file=sys.stderr)
    except BotoCoreError:
        return  # it may not be reachable from here; the alarms do not need it to be


def _session(options: argparse.Namespace) -> tuple[Any, Any]:
    """Session and configuration of boto3, with a region and bounded waits."""
    import boto3
    from botocore.config import Config

    region = options.region or os.environ.get("AWS_REGION")
    session = boto3.Session(region_name=region)
    if not session.region_name:
        raise DeployError("no region is known; give --region, or set AWS_REGION")
    config = Config(connect_timeout=5, read_timeout=30, retries={"mode": "standard", "total_max_attempts": 8})
    return session, config


def _placeholders(options: argparse.Namespace, session: Any, config: Any) -> Placeholders:
    account = options.account or session.client("sts", config=config).get_caller_identity()["Account"]
    return Placeholders(
        stage=options.stage,
        region=session.region_name,
        account=account,
        runbook=options.runbook or origin.runbook_url(FOLDER.parent),
        topic=options.topic,
        partition=session.get_partition_for_region(session.region_name),
    )


def _refused(error: Any) -> str:
    """What AWS refused, and what to do."""
    code, said = error.response["Error"]["Code"], error.response["Error"].get("Message", "")
    what = f"AWS refused {error.operation_name} ({code}): {said}".rstrip(": ")
    if "AccessDenied" in code or "Unauthorized" in code:
        return f"{what}\nthe credentials must allow {ACTIONS}"
    if "Token" in code or "Signature" in code or code == "AuthFailure":
        return f"{what}\nthe credentials are wrong or too old; get new ones"
    return what


def _unreached(error: Any) -> str:
    """Why AWS was not reached, and what to do."""
    from botocore.exceptions import EndpointConnectionError, NoCredentialsError

    if isinstance(error, NoCredentialsError):
        return "no credentials were found; set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    if isinstance(error, EndpointConnectionError):
        return f"{error} Check the region, the network, and AWS_ENDPOINT_URL if it is set"
    return str(error)


def _many(count: int, kind: str) -> str:
    plural = f"{kind[:-1]}ies" if kind.endswith("y") else f"{kind}s"
    return f"{count} {kind if count == 1 else plural}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m dashboards deploy",
        description="Check the files, show what differs from AWS, then put dashboards, alarms, composites and saved "
        "queries, and remove what an earlier deploy put and no file makes any more.",
        epilog="Credentials, region and AWS_ENDPOINT_URL are taken from the environment, as by every AWS tool. "
        f"The credentials must allow {ACTIONS}. docs/dashboards-tools.md has more.",
    )
    add_common(parser)
    parser.add_argument("--region", help="default: AWS_REGION, AWS_DEFAULT_REGION or the profile's")
    parser.add_argument("--account", help="number of the account, to save the question to sts")
    parser.add_argument("--remove", action="store_true", help="take away all that a deploy has put for the stage")
    parser.add_argument("--dry-run", action="store_true", help="only show what would change")
    return parser
