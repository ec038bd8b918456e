"""`python -m cloudwatch deploy`: show what differs from AWS, then put it there.

Lint comes first. What an earlier deploy put and no file makes any more is removed. A second deploy has nothing to do.
"""

import argparse
import os
import sys
from collections import Counter
from collections.abc import Iterable, Sequence

from cloudwatch.deploy import origin
from cloudwatch.deploy.account import Account
from cloudwatch.deploy.arguments import add_common
from cloudwatch.deploy.aws_client import ACTIONS, Connection, NotConnected, in_our_words, missing_subscription
from cloudwatch.deploy.diff import coloured
from cloudwatch.deploy.plan import Step, plan
from cloudwatch.deploy.resources import Resource, desired
from cloudwatch.errors import FileError
from cloudwatch.files import Placeholders, read_files
from cloudwatch.lint.folder import lint
from cloudwatch.project import ROOT


def main(arguments: Sequence[str]) -> int:
    """Deploy. Returns 0, or 1 after a sentence on standard error that says what to do."""
    options = _parser().parse_args(arguments)
    if not options.remove and (findings := lint(options.folder.resolve()).findings):
        print(*findings, sep="\n", file=sys.stderr)
        print("error: nothing was deployed: mend what lint found first", file=sys.stderr)
        return 1
    try:
        _deploy(options)
    except (NotConnected, FileError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except Exception as error:
        if (said := in_our_words(error)) is None:
            raise
        print(f"error: {said}", file=sys.stderr)
        return 1
    return 0


def _deploy(options: argparse.Namespace) -> None:
    connection = Connection(options.region)
    placeholders = Placeholders(
        stage=options.stage,
        region=connection.region,
        account=options.account or connection.account(),
        runbook=options.runbook or origin.runbook_url(ROOT),
        topic=options.topic,
        partition=connection.partition,
        containers=options.containers,
    )
    print(f"stage {options.stage} in {placeholders.region}, account {placeholders.account}")
    wanted: list[Resource] = []
    if not options.remove:
        wanted = desired(read_files(placeholders, options.folder.resolve()))
        topic = placeholders.values()["ALARMTOPIC"]
        print(f"alarms tell {topic}\nthe runbook is {placeholders.runbook}", flush=True)
        if (why := missing_subscription(connection.client("sns"), topic)) is not None:
            print(f"warning: {why}: alarms wake nobody until then", file=sys.stderr)
    account = Account(connection.client("cloudwatch"), connection.client("logs"), options.stage)
    present = account.present()
    ours, others = _too_many(account, wanted, present)
    steps = plan(wanted, present, ours)
    _show(steps, others)
    if not steps:
        print(f"nothing to do: {_counted(wanted)}")
    elif options.dry_run:
        print("nothing was changed (--dry-run)")
    else:
        _run(account, steps)


def _too_many(
    account: Account, wanted: Iterable[Resource], present: Iterable[Resource]
) -> tuple[list[Resource], list[Resource]]:
    """What is there and no file makes: what an earlier deploy put, and what somebody else made."""
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


def _show(steps: Sequence[Step], others: Sequence[Resource]) -> None:
    """Every step, and what changes within."""
    paint = coloured if sys.stdout.isatty() and "NO_COLOR" not in os.environ else str
    for each in others:
        print(f"left alone: {each.title} has a name of ours, but no deploy put it")
    for step in steps:
        print(*map(paint, step.told()), sep="\n")
    if steps:
        counts = Counter(step.action for step in steps)
        print(f"{counts['add']} to add, {counts['change']} to change, {counts['remove']} to remove", flush=True)


def _run(account: Account, steps: Sequence[Step]) -> None:
    """Do it, a line a step."""
    for number, step in enumerate(steps, 1):
        try:
            remarks = account.put(step.after, step.before) if step.after else account.remove(step.resource)
        except Exception:
            print(f"{number - 1} of {len(steps)} steps were done before; deploy again to go on", file=sys.stderr)
            raise
        print(f"[{number}/{len(steps)}] {'put' if step.after else 'removed'} {step.resource.title}", flush=True)
        for remark in remarks:
            print(f"    CloudWatch remarks: {remark.strip()}")


def _counted(wanted: Sequence[Resource]) -> str:
    counts = Counter(each.kind for each in wanted)
    words = [f"{count} {kind[:-1] + 'ie' if kind.endswith('y') else kind}s" for kind, count in counts.items()]
    return f"{', '.join(words)} are as they should be" if words else "nothing of a deploy is there"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m cloudwatch deploy",
        description="Check the files, show what differs from AWS, then put dashboards, alarms, composites and saved "
        "queries, and remove what an earlier deploy put and no file makes any more.",
        epilog="Credentials, region and AWS_ENDPOINT_URL are taken from the environment, as by every AWS tool. "
        f"The credentials must allow {ACTIONS}. docs/reference/dashboards-tools.md has more.",
    )
    add_common(parser)
    parser.add_argument("--region", help="default: AWS_REGION, AWS_DEFAULT_REGION or the profile's")
    parser.add_argument("--account", help="number of the account, to save the question to sts")
    parser.add_argument("--remove", action="store_true", help="take away all that a deploy has put for the stage")
    parser.add_argument("--dry-run", action="store_true", help="only show what would change")
    return parser
