"""A stage of Faunalens on AWS, up or down with one command: `python -m infra --help`."""

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from cloudwatch.deploy import origin
from infra.configuration import stages
from infra.deployed import ROOT
from infra.down import Down
from infra.stage import Stage
from infra.step import PreconditionFailed, StepFailed, run
from infra.up import Up


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Returns 0, or 1 after a sentence on standard error that says what to do."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.command(options))
    except (PreconditionFailed, StepFailed) as error:
        print(f"\nerror: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nended by you; the same command goes on where this was", file=sys.stderr)
        return 130


def _up(options: argparse.Namespace) -> int:
    stage = _stage(options)
    steps = Up(stage).steps()
    if options.only:
        steps = [step for step in steps if step.name == options.only]
    steps = [step for step in steps if step.name not in options.skipped]
    question = f"Make or change stage {stage.name}? What runs there costs money (docs/explanation/cost.md) [y/N] "
    if not options.yes and not _agreed(question, "y", "yes"):
        return 1
    run(steps, _say, first=options.first, command=_again("up", options))
    if not options.only:
        print(f"\nStage {stage.name} is up: {stage.url}")
    return 0


def _down(options: argparse.Namespace) -> int:
    from botocore.exceptions import ClientError

    stage = _stage(options)
    if not options.yes:
        print(f"This deletes stage {stage.name}: API, functions, cache, photos, logs, and the database but a snapshot.")
        if not _agreed(f"Type {stage.name} to go on: ", stage.name):
            return 1
    run(Down(stage).steps(), _say, first=options.first, command=_again("down", options))
    try:
        kept = stage.kept()
    except ClientError as error:
        kept = [f"if it had a database, one that AWS does not tell us of ({error})"]
    print(f"\nStage {stage.name} is gone." + (f" Kept: database snapshot {', '.join(kept)}." if kept else ""))
    return 0


def _template(options: argparse.Namespace) -> int:
    from infra import template

    runbook = options.runbook or origin.runbook_url(ROOT)
    template.write(options.stage, options.out, dict(options.parameters or []), _say, runbook=runbook)
    print("\n" + template.COMMANDS.format(stage=options.stage, out=options.out))
    return 0


def _stage(options: argparse.Namespace) -> Stage:
    """The stage in the account that credentials lead to, which is told. Raises `PreconditionFailed` without credentials."""
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    session = boto3.Session(region_name=options.region)
    if session.region_name is None:
        raise PreconditionFailed("no region; say --region eu-west-1, or set AWS_DEFAULT_REGION")
    try:
        caller = session.client("sts").get_caller_identity()
    except (BotoCoreError, ClientError) as error:
        raise PreconditionFailed(
            f"AWS does not know who we are: {error}; sign in with `aws sso login`, or set AWS_PROFILE"
        ) from error
    print(f"Account {caller['Account']}, region {session.region_name}, stage {options.stage}", flush=True)
    parameters = dict(options.parameters or [])
    firewall = getattr(options, "firewall", False)
    return Stage(options.stage, session.region_name, session, parameters, firewall)


def _again(command: str, options: argparse.Namespace) -> str:
    """The command as it was given, but for where it began: what it was told has to be told again."""
    words = ["python", "-m", "infra", command, "--stage", options.stage]
    words += ["--region", options.region] if options.region else []
    words += ["--firewall"] if getattr(options, "firewall", False) else []
    words += ["--only", options.only] if getattr(options, "only", "") else []
    words += [word for step in getattr(options, "skipped", []) for word in ("--skip", step)]
    words += [word for name, value in options.parameters or [] for word in ("--set", f"{name}={value}")]
    words += ["--yes"] if options.yes else []
    return shlex.join(words)


def _agreed(question: str, *agreeing: str) -> bool:
    """Whether somebody answers so; nobody at the keyboard does not."""
    try:
        if input(question).strip().lower() in agreeing:
            return True
    except EOFError:
        print()
    print("nothing was done (--yes asks nothing)")
    return False


def _say(line: str) -> None:
    print(line, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m infra", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    up = commands.add_parser("up", help="make a stage, or bring it up to this checkout, and test that it answers")
    up.add_argument("--firewall", action="store_true", help="put a web firewall before the API (infra/edge.yaml)")
    up.add_argument("--only", metavar="STEP", default="", choices=_names("up"), help="do this step and no other")
    up.add_argument(
        "--skip",
        dest="skipped",
        metavar="STEP",
        default=[],
        action="append",
        choices=_names("up"),
        help="leave this step out; may be repeated",
    )
    up.set_defaults(command=_up)
    down = commands.add_parser("down", help="take a stage away; a last snapshot of the database stays")
    down.set_defaults(command=_down)
    what = "write all of a stage as one CloudFormation template, with its zips"
    template = commands.add_parser(
        "template",
        help=what,
        description=f"{what}, for a pipeline that may not call `chalice deploy`; AWS is asked nothing.",
        epilog="--set Firewall=yes puts a web firewall before the API.",
    )
    template.add_argument("--out", required=True, type=Path, help="folder that all is written to, such as build/dev")
    template.add_argument(
        "--runbook", help="URL of the runbook (default: docs/how-to/runbook.md on the page of git's origin)"
    )
    template.set_defaults(command=_template)
    for name, command in (("up", up), ("down", down)):
        names = _names(name)
        command.add_argument("--region", help="default: that of your AWS profile")
        command.add_argument("--from", dest="first", metavar="STEP", default="", help=f"go on from: {', '.join(names)}")
        command.add_argument("--yes", action="store_true", help="ask nothing")
    for command in (up, down, template):
        command.add_argument(
            "--stage", required=True, choices=stages(), help="one of .chalice/config.json and infra/stages"
        )
        command.add_argument(
            "--set",
            dest="parameters",
            metavar="NAME=VALUE",
            action="append",
            type=_parameter,
            help="a parameter of infra/faunalens.yaml or edge.yaml in place of that in infra/stages; may be repeated",
        )
    return parser


def _names(command: str) -> list[str]:
    stage = Stage("", "", None, {})
    return [step.name for step in (Up(stage) if command == "up" else Down(stage)).steps()]


def _parameter(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"{text} is not NAME=VALUE, such as AlarmEmail=me@example.org")
    return name, value


if __name__ == "__main__":
    sys.exit(main())
