"""`python -m infra up --dry-run`: print each call that a first `infra up` would make, without an account or network.

The real command runs in a copy of this checkout, against an account that exists only in its processes (`rehearsal`).
"""

import subprocess
import sys
import textwrap
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory

from chalicelib.config.settings import ROOT
from infra import checkout, rehearsal, smoke
from infra.recorded_call import RecordedCall, Size, parsed_call
from infra.step import HEADING, Echo, PreconditionFailed, Step, duration

OUT = ROOT / "build" / "dry-run"

_UPLINK_MBIT = 10.0  # bandwidth for the expected time of uploads; a home connection
_INDENT = " " * 6
_LAST_LINES = 12  # of the command's output, if it fails

SMOKE = "smoke"
"""The last step. It asks the API over HTTP, so a dry run only says what it would ask."""


class DryRun:
    """A dry run of `infra up`.

    `arguments`: those of the command, with `--stage`. `steps`: the steps that it would run, in order.
    """

    def __init__(self, arguments: Sequence[str], stage: str, region: str, steps: Sequence[Step]) -> None:
        self._arguments, self._region, self._steps = arguments, region, steps
        self._out = OUT / stage
        self._documents = 0

    def run(self, echo: Echo) -> None:
        """Print steps, calls and totals; write each template. Raise `PreconditionFailed` if `infra up` would fail."""
        echo(f"Dry run in {self._region}, against an account that is made up and empty: nothing is created.")
        echo(f"Templates, policies and other documents are written to {self._out.relative_to(ROOT)}/\n")
        self._out.mkdir(parents=True, exist_ok=True)
        for old in self._out.iterdir():
            old.unlink()
        calls = list[RecordedCall]()
        for event, same in groupby(self._rehearse()):
            if isinstance(event, RecordedCall):
                times = len(list(same))
                calls += [event] * times
                self._show(event, times, echo)
            else:
                self._head(event, echo)
        changes, uploaded = sum(each.changes for each in calls), sum(each.uploaded for each in calls)
        minutes = sum(step.minutes for step in self._steps)
        echo(f"\n{len(calls)} calls, {changes} of which change something; {self._documents} documents")
        echo(f"uploads: {_size(uploaded)}, {uploaded * 8 / 1e6 / _UPLINK_MBIT:.0f} s at {_UPLINK_MBIT:.0f} Mbit/s")
        echo(f"expected: {duration(minutes)} and the uploads. A later run changes only what differs")

    def _rehearse(self) -> Iterator[RecordedCall | str]:
        """Run the command on the copy. Yield its calls, and the name of each step before the step's calls."""
        with TemporaryDirectory() as folder:
            copy, hooks = checkout.copy_to(Path(folder, "checkout")), Path(folder, "hooks")
            checkout.share_packages(copy)
            rehearsal.hook(hooks, "rehearse")
            arguments = [each for each in self._arguments if each != "--dry-run"]
            command = [sys.executable, "-m", "infra", *arguments, "--region", self._region, "--yes", "--skip", SMOKE]
            said, environment = list[str](), rehearsal.environment(copy, hooks, self._region)
            left = [step.name for step in self._steps]
            pipe, merged = subprocess.PIPE, subprocess.STDOUT
            with subprocess.Popen(command, stdout=pipe, stderr=merged, text=True, cwd=copy, env=environment) as process:
                for line in process.stdout or ():
                    if call := parsed_call(line):
                        yield call
                    elif heading := HEADING.match(line):
                        yield heading["name"]
                    elif line.startswith(f"{_INDENT}done, "):
                        del left[0]
                        if left == [SMOKE]:
                            yield SMOKE
                    else:
                        said.append(line.rstrip())
            if process.returncode:
                raise PreconditionFailed(f"`infra up` would fail: {_reason(said)}")

    def _head(self, name: str, echo: Echo) -> None:
        names = [step.name for step in self._steps]
        echo(self._steps[names.index(name)].heading(names.index(name) + 1, len(names)))
        for check, what in smoke.CHECKS.items() if name == SMOKE else ():
            echo(f"{_INDENT}{check:<9} {what}")

    def _show(self, call: RecordedCall, times: int, echo: Echo) -> None:
        what = f"{call.service} {call.operation} {call.name}".rstrip()
        uploaded = f", {_size(call.uploaded)}" if call.uploaded else ""
        repeated = f", {times} times" if times > 1 else ""
        echo(f"{_INDENT}{'change' if call.changes else 'read  '} {what}{uploaded}{repeated}")
        for text in call.documents:
            self._documents += 1
            path = self._out / f"{self._documents:02}-{call.operation}.{'json' if text.startswith('{') else 'yaml'}"
            path.write_text(text, encoding="utf-8")
            echo(f"{_INDENT}       {path.name}, {_size(len(text.encode()))}")
            if call.operation == "CreateStack":
                for line in (_resources(text), _parameters(call)):
                    echo(textwrap.indent(textwrap.fill(line, 100), f"{_INDENT}       "))


def _reason(said: Sequence[str]) -> str:
    """Return why the command failed. `said`: its output without calls."""
    _, error, reason = "\n".join(said).rpartition("\nerror: ")
    reason = reason.partition("\nFix the cause")[0] if error else "\n".join(said[-_LAST_LINES:])
    if any("No matching distribution" in line for line in said):
        reason += "\nThe package has not been built, which needs PyPI: run `make package` once with a network"
    return reason


def _resources(template: str) -> str:
    """Return the resources of a CloudFormation template by type, in the template's order."""
    from chalice.package import YAMLTemplateSerializer

    resources = YAMLTemplateSerializer().load_template(template, "template").get("Resources", {})
    counts = Counter(each["Type"].removeprefix("AWS::") for each in resources.values())
    return f"{len(resources)} resources: " + ", ".join(f"{count} {kind}" for kind, count in counts.items())


def _parameters(call: RecordedCall) -> str:
    """Return the parameters of a stack that are not empty."""
    given = {each["ParameterKey"]: each["ParameterValue"] for each in call.parameters["Parameters"]}
    return f"{len(given)} parameters: " + ", ".join(f"{name}={value}" for name, value in given.items() if value)


def _size(size: Size) -> str:
    return f"{size / 1e6:.1f} MB" if size >= 1e5 else f"{size / 1e3:.1f} kB"
