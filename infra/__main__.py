"""Create, update, test or delete a stage of Faunalens on AWS: `python -m infra --help`."""

import argparse
import shlex
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.api.http import KEY_HEADER
from chalicelib.config.settings import ROOT
from dashboards.project import runbook_url
from infra import cost, down, smoke
from infra.cost import current_prices, full_day
from infra.functions import stages
from infra.invoke import ask_admin
from infra.keys import DAYS, Keys
from infra.proof.proofs import Prove, Trial
from infra.proof.report import Outcome, ProofReport, read_claims
from infra.release.releases import HEADING, Releases
from infra.stack import Confirm, Declined
from infra.stage import Stage
from infra.step import PreconditionFailed, Step, StepFailed, run
from infra.template import pipeline
from infra.up import Up

_DRY = ("checkout", "stack")  # the steps of a dry run, which ends with what would change

_echo = partial(print, flush=True)

type _Command = Callable[[argparse.Namespace], int]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Return 0, or print an error on standard error and return 1 (130 after Ctrl-C)."""
    arguments = sys.argv[1:] if arguments is None else arguments
    options = build_parser().parse_args(arguments)
    options.arguments, options.resume = arguments, resume_command(arguments)
    try:
        return int(options.command(options))
    except (PreconditionFailed, StepFailed, BotoCoreError, ClientError) as error:
        refused = "AWS refused: " if isinstance(error, BotoCoreError | ClientError) else ""
        print(f"\nerror: {refused}{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ninterrupted; run the same command again to continue", file=sys.stderr)
        return 130


def _up(options: argparse.Namespace) -> int:
    stage = _stage(options)
    most = full_day(stage.name, current_prices()).most
    day = cost.cost_of_a_day(stage.name)
    print(f"It costs {day} while it runs, and up to {most:,.0f} dollars on a day of abuse (docs/explanation/cost.md).")
    without = [each for each in ("alarms", "budget", "tls") if getattr(options, f"without_{each}")]
    steps = Up(stage, without, _consent(options)).steps()
    if options.dry_run:
        options.first, options.only, steps = "", "", [each for each in steps if each.name in _DRY]
    steps = [step for step in steps if options.only in ("", step.name) and step.name not in options.skipped]
    try:
        run(steps, _echo, first=options.first, command=options.resume)
    except Declined:
        if options.dry_run:
            print("\nThat is what would change. Nothing was changed")
        return int(not options.dry_run)
    if not options.only:
        print(f"\nStage {stage.name} is up: {stage.url}")
        print(f"Next:      python -m infra smoke --stage {stage.name} --region {stage.region}")
        print(f"Remove it: python -m infra down --stage {stage.name} --region {stage.region}")
    return 0


def _consent(options: argparse.Namespace) -> Confirm:
    """Return the function that decides whether a stack may change: by `--yes`, by `--dry-run` (no), or by asking."""
    return lambda question: not options.dry_run and (options.yes or _confirmed(question, "y", "yes"))


def _down(options: argparse.Namespace) -> int:
    stage = _stage(options)
    if not options.yes:
        print(f"This deletes stage {stage.name}: API, functions, cache, photos, logs and database.")
        print("Only a final snapshot of the database is kept.")
        if not _confirmed(f"Type {stage.name} to continue: ", stage.name):
            return 1
    run(down.steps(stage), _echo, first=options.first, command=options.resume)
    try:
        kept = f" Kept: database snapshot {', '.join(found)}." if (found := stage.snapshots()) else ""
    except ClientError as error:
        kept = f" AWS could not list the snapshots of its database: {error}"
    print(f"\nStage {stage.name} is gone.{kept}")
    return 0


def _add_key(options: argparse.Namespace) -> int:
    value = Keys(_stage(options)).add(options.name)
    print(f"key {options.name} is added; it is shown only now. Clients send it in the header {KEY_HEADER}:\n{value}")
    return 0


def _list_keys(options: argparse.Namespace) -> int:
    uses = Keys(_stage(options)).uses()
    print(f"{'name':<24} {'added':<12} {'today':>10} {f'{DAYS} days':>12}" if uses else "there are no keys")
    for each in uses:
        print(f"{each.name:<24} {each.added.isoformat():<12} {each.today:>10,} {each.recently:>12,}")
    return 0


def _revoke_key(options: argparse.Namespace) -> int:
    Keys(_stage(options)).revoke(options.name)
    print(f"key {options.name} is revoked; API Gateway refuses it within seconds")
    return 0


def _releases(options: argparse.Namespace) -> int:
    stage = _stage(options)
    print(HEADING)
    for each in Releases(stage.client("lambda"), stage.name).all():
        print(each.line())
    lines = ask_admin(stage, ["list"], _echo)
    print(f"dataset: {next((line.split()[0] for line in lines if line.endswith(' active')), 'none')}")
    return 0


def _roll_back(options: argparse.Namespace) -> int:
    stage = _stage(options)
    if stage.stack().cancel_update():
        print("a deployment was under way; CloudFormation takes it back")
    release = Releases(stage.client("lambda"), stage.name).roll_back(_echo, options.to)
    print(f"\nRelease {release.commit} runs again. Data and website stay; `infra up` goes forward")
    return 0


def _template(options: argparse.Namespace) -> int:
    pipeline.write(
        options.stage, options.out, dict(options.parameters), _echo, runbook=options.runbook or runbook_url(ROOT)
    )
    print("docs/how-to/pipeline.md has the commands that deploy it")
    return 0


def _smoke(options: argparse.Namespace) -> int:
    stage = _stage(options)
    run([step for step in smoke.steps(stage) if step.name not in options.skipped], _echo)
    print(f"\nStage {stage.name} works: {stage.url}")
    return 0


def _prove(options: argparse.Namespace) -> int:
    stage, claims = _stage(options), read_claims()
    report = ProofReport(stage.name, stage.region)
    trial = Trial(stage, lambda line: _echo(f"      {line}")) if stage.outputs else None
    prove = Prove(trial, report, None if options.yes else input, _echo)
    try:
        prove.run([claim for claim in claims if not options.only or claim.name in options.only])
    except EOFError:
        print("\nthere is no terminal to ask; pass --yes to leave the questions for later", file=sys.stderr)
    account = stage.client("sts").get_caller_identity()["Account"] if options.with_account else ""
    page = report.write(claims, account)
    print(f"\nwrote {page.relative_to(ROOT)}; read it, then send it to the project, for example as an issue")
    findings = [report.finding(claim) for claim in claims]
    return int(any(found is not None and found.outcome is Outcome.REFUTED for found in findings))


def _stage(options: argparse.Namespace) -> Stage:
    """Return the options' stage, and print its account. Raise `PreconditionFailed` without region or credentials."""
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
    return Stage(options.stage, session.region_name, session, _parameters(options))


def _parameters(options: argparse.Namespace) -> dict[str, str]:
    """Return the template parameters that --set, --web, --firewall and --no-firewall give."""
    parameters = dict(getattr(options, "parameters", ()))
    if getattr(options, "web", ""):
        parameters["WebImage"] = options.web
    if getattr(options, "firewall", None) is not None:
        parameters["Firewall"] = "yes" if options.firewall else "no"
    return parameters


def resume_command(arguments: Sequence[str]) -> str:
    """Return the user's command line without `--from STEP`."""
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
    print("not confirmed, so nothing more was done; pass --yes to skip the question")
    return False


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the commands, each with its function as `command`."""
    parser = argparse.ArgumentParser(prog="python -m infra", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, command: _Command, text: str, epilog: str = "") -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.", epilog=epilog)
        added.set_defaults(command=command)
        return added

    of_up = _names_of(lambda stage: Up(stage).steps())
    up = add("up", _up, "create a stage or update it to this checkout, then check that the API answers")
    text = "put a web firewall in front of the API, or none (default: as in infra/stages/STAGE.json; prod has one)"
    up.add_argument("--firewall", action=argparse.BooleanOptionalAction, help=text)
    image = "deploy the web tier (infra/web.yaml) with this image in ECR, such as …/web@sha256:…"
    up.add_argument("--web", metavar="IMAGE", default="", help=image)
    for each, lack in (
        ("alarms", "an email address that gets its alarms"),
        ("budget", "a budget"),
        ("tls", "TLS for its website: anyone on the network path can then read photos, places and results"),
    ):
        up.add_argument(f"--without-{each}", action="store_true", help=f"bring up a production stage without {lack}")
    up.add_argument("--only", metavar="STEP", default="", choices=of_up, help="run only this step")
    dry = "build the package and show the changes, but make none, except that the package is uploaded to its bucket"
    up.add_argument("--dry-run", action="store_true", help=dry)
    gone = add("down", _down, "delete a stage; a final snapshot of its database is kept")
    tested = add("smoke", _smoke, "test a stage from outside: its API, its metrics, and that its alarms reach someone")
    for command, names in ((up, of_up), (tested, _names_of(smoke.steps))):
        skip = command.add_argument("--skip", dest="skipped", metavar="STEP", default=[], action="append")
        skip.choices, skip.help = names, f"leave out this step ({', '.join(names)}); may be repeated"

    what = "check each claim that needs a real AWS account, and write a report to send to the project"
    epilog = "The report contains no secret, address, place or account. Findings are kept between runs in build/."
    prove = add("prove", _prove, what, epilog)
    only = prove.add_argument("--only", metavar="CLAIM", default=[], action="append")
    only.choices = [claim.name for claim in read_claims()]
    only.help = "try only this claim; may be repeated. docs/how-to/deploy.md lists the claims"
    prove.add_argument("--yes", action="store_true", help="do not ask; claims that a person must check stay undecided")
    prove.add_argument("--with-account", action="store_true", help="add the number of the AWS account to the report")

    what = "write one CloudFormation template for a whole stage, and the zips that it deploys, without an AWS account"
    epilog = "--set Firewall=yes puts a web firewall in front of the API, --set ApiKeys=required demands API keys."
    made = add("template", _template, what, epilog)
    made.add_argument("--out", required=True, type=Path, help="folder to write to, such as build/dev")
    runbook = "URL of the runbook that alarms link to (default: docs/how-to/runbook.md in git's origin)"
    made.add_argument("--runbook", help=runbook)

    what = "list the releases of a stage (version, commit, model, start, share of the traffic), and the active dataset"
    releases = add("releases", _releases, what)
    what = "return to the previous release, in seconds; a deployment in progress is cancelled"
    back = add("rollback", _roll_back, what, "Example: python -m infra rollback --stage prod --to 0a1b2c3")
    back.add_argument("--to", metavar="COMMIT", default="", help="release to return to (default: the previous one)")

    of_keys = add("keys", _list_keys, "add, list or revoke the API keys of a stage's clients")
    commands = of_keys.add_subparsers(required=True, metavar="ACTION")
    new_key = add("add", _add_key, "create the key of a client and print it once")
    listed = add("list", _list_keys, "list the keys by name, and how often each was used, without their values")
    old_key = add("revoke", _revoke_key, "delete the key of a client")
    for command in (new_key, old_key):
        command.add_argument("name", help="name of the client: lower-case letters, digits and hyphens")

    for command, names in ((up, of_up), (gone, _names_of(down.steps))):
        text = f"start at this step: {', '.join(names)}"
        command.add_argument("--from", dest="first", metavar="STEP", default="", help=text)
        command.add_argument("--yes", action="store_true", help="do not ask for confirmation")
    for command in (up, gone, tested, releases, back, prove, made, new_key, listed, old_key):
        if command is not made:
            command.add_argument("--region", help="AWS region (default: the region of your AWS profile)")
        where = "a stage that .chalice/config.json and infra/stages define"
        command.add_argument("--stage", required=True, choices=stages(), help=where)
    for command in (up, gone, made):
        given = command.add_argument("--set", dest="parameters", metavar="NAME=VALUE", default=[], action="append")
        given.type = _parameter
        given.help = "override a parameter of a template in infra/, such as faunalens.yaml; may be repeated"
    return parser


def _names_of(steps: Callable[[Stage], Sequence[Step]]) -> list[str]:
    return [step.name for step in steps(Stage("", "", None, {}))]


def _parameter(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"{text} is not NAME=VALUE; write, for example, AlarmEmail=me@example.org")
    return name, value


if __name__ == "__main__":
    sys.exit(main())
