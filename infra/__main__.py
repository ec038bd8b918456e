"""Create, update or delete a stage of Faunalens on AWS: `python -m infra --help`."""

import argparse
import os
import shlex
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.config.settings import ROOT
from cloudwatch.deploy.runbook_url import runbook_url
from infra import daily_cost, rehearsal, template
from infra.chalice_config import stages
from infra.down import Down
from infra.dry_run import DryRun
from infra.stage import Stage
from infra.step import PreconditionFailed, Step, StepFailed, run
from infra.up import Up

_echo = partial(print, flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Return 0, or print an error on standard error and return 1 (130 after Ctrl-C)."""
    arguments = sys.argv[1:] if arguments is None else arguments
    options = _parser().parse_args(arguments)
    options.arguments, options.resume = arguments, _resume_command(arguments)
    try:
        return int(options.command(options))
    except (PreconditionFailed, StepFailed) as error:
        print(f"\nerror: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ninterrupted; run the same command again to continue", file=sys.stderr)
        return 130


def _up(options: argparse.Namespace) -> int:
    if options.dry_run:
        return _dry_run(options)
    stage = _stage(options)
    print(f"It costs {daily_cost.sentence(stage.name)} while it runs (docs/explanation/cost.md).")
    if not options.yes and not _confirmed(f"Create or update stage {stage.name}? [y/N] ", "y", "yes"):
        return 1
    run(_chosen_steps(stage, options), _echo, first=options.first, command=options.resume)
    if not options.only:
        print(f"\nStage {stage.name} is up: {stage.url}")
        print(f"Test it from outside: python -m infra smoke --stage {stage.name} --region {stage.region}")
        print(f"Remove it:            python -m infra down --stage {stage.name} --region {stage.region}")
    return 0


def _dry_run(options: argparse.Namespace) -> int:
    if options.only or options.first:
        raise PreconditionFailed("a dry run begins with an empty account, so it takes no --only and no --from")
    chosen = options.region or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    region = chosen or rehearsal.REGION
    stage = Stage(options.stage, region, None, dict(options.parameters), options.firewall)
    DryRun(options.arguments, options.stage, region, _chosen_steps(stage, options)).run(_echo)
    print(f"cost: {daily_cost.sentence(stage.name)} (docs/explanation/cost.md)")
    return 0


def _chosen_steps(stage: Stage, options: argparse.Namespace) -> list[Step]:
    steps = Up(stage).steps()
    return [step for step in steps if options.only in ("", step.name) and step.name not in options.skipped]


def _down(options: argparse.Namespace) -> int:
    stage = _stage(options)
    if not options.yes:
        print(f"This deletes stage {stage.name}: API, functions, cache, photos, logs and database.")
        print("Only a final snapshot of the database is kept.")
        if not _confirmed(f"Type {stage.name} to continue: ", stage.name):
            return 1
    run(Down(stage).steps(), _echo, first=options.first, command=options.resume)
    try:
        snapshots = ", ".join(stage.snapshots())
        kept = f" Kept: database snapshot {snapshots}." if snapshots else ""
    except ClientError as error:
        kept = f" AWS could not list the snapshots of its database: {error}"
    print(f"\nStage {stage.name} is gone.{kept}")
    return 0


def _template(options: argparse.Namespace) -> int:
    runbook = options.runbook or runbook_url(ROOT)
    template.write(options.stage, options.out, dict(options.parameters), _echo, runbook=runbook)
    print("\n" + template.COMMANDS.format(stage=options.stage, out=options.out))
    return 0


def _stage(options: argparse.Namespace) -> Stage:
    """Return the stage and print its account. Raise `PreconditionFailed` if there is no region or no credentials."""
    import boto3

    session = boto3.Session(region_name=options.region)
    if session.region_name is None:
        raise PreconditionFailed("no AWS region is set; pass --region (such as eu-west-1), or set AWS_DEFAULT_REGION")
    try:
        caller = session.client("sts").get_caller_identity()
    except (BotoCoreError, ClientError) as error:
        advice = "sign in with `aws sso login`, or set AWS_PROFILE"
        raise PreconditionFailed(f"no valid AWS credentials: {error}; {advice}") from error
    print(f"Account {caller['Account']}, region {session.region_name}, stage {options.stage}", flush=True)
    firewall = getattr(options, "firewall", False)
    return Stage(options.stage, session.region_name, session, dict(options.parameters), firewall)


def _resume_command(arguments: Sequence[str]) -> str:
    """Return the command as the user typed it, without `--from`."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--from")
    return shlex.join(["python", "-m", "infra", *parser.parse_known_args(arguments)[1]])


def _confirmed(question: str, *answers: str) -> bool:
    """Ask the user. Return True if the reply is one of `answers`; False for any other reply or without a terminal."""
    try:
        if input(question).strip().lower() in answers:
            return True
    except EOFError:
        print()
    print("not confirmed, so nothing was done; pass --yes to skip the question")
    return False


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m infra", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    up = commands.add_parser("up", help="create a stage or update it to this checkout, then check that the API answers")
    up.add_argument("--firewall", action="store_true", help="put a web firewall in front of the API (infra/edge.yaml)")
    steps = _step_names(Up)
    up.add_argument("--only", metavar="STEP", default="", choices=steps, help="run only this step")
    skip = up.add_argument("--skip", dest="skipped", metavar="STEP", default=[], action="append", choices=steps)
    skip.help = "leave out this step; may be repeated"
    dry = "print each call and template that a first run would make and send; needs neither account nor network"
    up.add_argument("--dry-run", action="store_true", help=dry)
    up.set_defaults(command=_up)

    down = commands.add_parser("down", help="delete a stage; a final snapshot of its database is kept")
    down.set_defaults(command=_down)

    what = "write one CloudFormation template for a whole stage, and the zips that it deploys"
    description = "For a pipeline that may not call `chalice deploy`. This command needs no AWS account."
    epilog = "--set Firewall=yes puts a web firewall in front of the API."
    made = commands.add_parser("template", help=what, description=description, epilog=epilog)
    made.add_argument("--out", required=True, type=Path, help="folder to write to, such as build/dev")
    made.add_argument(
        "--runbook", help="URL of the runbook that alarms link to (default: docs/how-to/runbook.md in git's origin)"
    )
    made.set_defaults(command=_template)

    for command, kind in ((up, Up), (down, Down)):
        command.add_argument("--region", help="AWS region (default: the region of your AWS profile)")
        names = ", ".join(_step_names(kind))
        command.add_argument("--from", dest="first", metavar="STEP", default="", help=f"start at this step: {names}")
        command.add_argument("--yes", action="store_true", help="do not ask for confirmation")
    for command in (up, down, made):
        where = "a stage that .chalice/config.json and infra/stages define"
        command.add_argument("--stage", required=True, choices=stages(), help=where)
        given = command.add_argument("--set", dest="parameters", metavar="NAME=VALUE", default=[], action="append")
        given.type = _parameter
        given.help = "override a parameter of infra/faunalens.yaml or infra/edge.yaml; may be repeated"
    return parser


def _step_names(kind: type[Up | Down]) -> list[str]:
    return [step.name for step in kind(Stage("", "", None, {})).steps()]


def _parameter(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"{text} is not NAME=VALUE; write, for example, AlarmEmail=me@example.org")
    return name, value


if __name__ == "__main__":
    sys.exit(main())
