"""`python -m cloudwatch deploy`: show the differences from AWS, then deploy them.

Deploy lints the files first. It removes resources that an earlier deploy created and that no file defines any more.
A second deploy of the same files changes nothing.
"""

import argparse
import os
import sys
from collections import Counter
from collections.abc import Sequence

from cloudwatch.deploy.arguments import add_common
from cloudwatch.deploy.aws_client import ACTIONS, AwsError, AwsSession, explained, subscription_problem
from cloudwatch.deploy.deployment import Deployment
from cloudwatch.deploy.diff import coloured
from cloudwatch.deploy.plan import PlanStep, plan
from cloudwatch.deploy.resources import Resource, desired
from cloudwatch.deploy.runbook_url import runbook_url
from cloudwatch.errors import FileError
from cloudwatch.files import Placeholders, read_files
from cloudwatch.lint.folder import lint
from cloudwatch.project import ROOT, TOOLS_GUIDE


def main(arguments: Sequence[str]) -> int:
    """Deploy the files, or show the changes if `--dry-run` is given. Return 0, or 1 after an error message."""
    options = _parser().parse_args(arguments)
    if not options.remove and (findings := lint(options.folder.resolve()).findings):
        print(*findings, sep="\n", file=sys.stderr)
        print("error: nothing was deployed; fix the findings above first", file=sys.stderr)
        return 1
    try:
        _deploy(options)
    except Exception as error:
        message = error if isinstance(error, AwsError | FileError) else explained(error)
        if message is None:
            raise
        print(f"error: {message}", file=sys.stderr)
        return 1
    return 0


def _deploy(options: argparse.Namespace) -> None:
    session = AwsSession(options.region)
    placeholders = Placeholders(
        stage=options.stage,
        region=session.region,
        account=options.account or session.account(),
        runbook=options.runbook or runbook_url(ROOT),
        topic=options.topic,
        partition=session.partition,
        containers=options.containers,
    )
    print(f"stage {options.stage} in {placeholders.region}, account {placeholders.account}")
    wanted: list[Resource] = []
    if not options.remove:
        folder = options.folder.resolve()
        wanted = desired(read_files(placeholders, folder, tier=False))
        topic = placeholders.values(folder)["ALARMTOPIC"]
        print(f"alarms notify {topic}\nthe runbook is {placeholders.runbook}", flush=True)
        if (problem := subscription_problem(session.client("sns"), topic)) is not None:
            print(f"warning: {problem}, so alarms notify no one", file=sys.stderr)
    deployment = Deployment(session.client("cloudwatch"), session.client("logs"), options.stage)
    steps, foreign = plan(wanted, deployment.present(), deployment.is_managed)
    _show(steps, foreign)
    if not steps:
        print(f"nothing to do: {_counts(wanted)}")
    elif options.dry_run:
        print("nothing was changed (--dry-run)")
    else:
        _run(deployment, steps)


def _show(steps: Sequence[PlanStep], foreign: Sequence[Resource]) -> None:
    """Print the resources that stay because no deploy created them, then every step with its differences."""
    paint = coloured if sys.stdout.isatty() and "NO_COLOR" not in os.environ else str
    for each in foreign:
        print(f"kept: {each.title} is named like a resource of this stage, but no deploy created it")
    for step in steps:
        print(*map(paint, step.describe()), sep="\n")
    if steps:
        counts = Counter(step.action for step in steps)
        print(f"{counts['add']} to add, {counts['change']} to change, {counts['remove']} to remove", flush=True)


def _run(deployment: Deployment, steps: Sequence[PlanStep]) -> None:
    """Carry out the steps, and print a line for each step."""
    for number, step in enumerate(steps, 1):
        remarks: list[str] = []
        try:
            if step.after:
                remarks = deployment.put(step.after, step.before)
            else:
                deployment.remove(step.resource)
        except Exception:
            print(f"{number - 1} of {len(steps)} steps are done; deploy again to continue", file=sys.stderr)
            raise
        print(f"[{number}/{len(steps)}] {'put' if step.after else 'removed'} {step.resource.title}", flush=True)
        for remark in remarks:
            print(f"    CloudWatch remarks: {remark.strip()}")


def _counts(wanted: Sequence[Resource]) -> str:
    counts = Counter(each.kind for each in wanted)
    words = [f"{count} {kind[:-1] + 'ie' if kind.endswith('y') else kind}s" for kind, count in counts.items()]
    return f"{', '.join(words)} are up to date" if words else "no deploy has created anything"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m cloudwatch deploy",
        description="Check the files, show how they differ from AWS, then create or update dashboards, alarms, "
        "composites and saved queries. Remove those that an earlier deploy created and that no file defines any more.",
        epilog="Credentials, region and AWS_ENDPOINT_URL come from the environment, as for every AWS tool. "
        f"The credentials must allow {ACTIONS}. {TOOLS_GUIDE} has more.",
    )
    add_common(parser)
    parser.add_argument("--region", help="AWS region (default: AWS_REGION, AWS_DEFAULT_REGION or the profile's region)")
    parser.add_argument("--account", help="AWS account number (default: the account that the credentials belong to)")
    parser.add_argument("--remove", action="store_true", help="remove everything that was deployed for the stage")
    parser.add_argument("--dry-run", action="store_true", help="only show the changes")
    return parser
