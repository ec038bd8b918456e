"""Run the steps of a command, starting at any step, and poll with a timeout. All steps can be repeated."""

from collections.abc import Callable, Iterator, Sequence
from time import monotonic, sleep
from typing import NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

Echo = Callable[[str], None]  # prints one line of progress


class StepFailed(Exception):
    """A step failed. The message contains the step, the cause, and the command that resumes at this step."""


class PreconditionFailed(Exception):
    """A step cannot run, or its result is wrong. The message says how to fix the cause."""


class Step(NamedTuple):
    """One step of a command."""

    name: str  # for `--from`
    summary: str
    action: Callable[[Echo], object]  # runs the step, or raises `PreconditionFailed`
    minutes: float = 0.0  # estimated duration of the first run, without uploads; not yet measured on AWS


def run(steps: Sequence[Step], echo: Echo, *, first: str = "", command: str = "") -> None:
    """Run the step `first` and all later steps; without `first`, all. Raise `StepFailed` if one fails.

    `command`: the user's command line, which the message of the error quotes to resume.
    """
    names = [step.name for step in steps]
    if first and first not in names:
        raise StepFailed(f"there is no step {first}; choose one of {', '.join(names)}")
    start = names.index(first) if first else 0
    for number, step in enumerate(steps[start:], start + 1):
        started = monotonic()
        expected = f" ({duration(step.minutes)})" if step.minutes else ""
        echo(f"[{number}/{len(steps)}] {step.name}: {step.summary}{expected}")
        try:
            step.action(lambda line: echo(f"      {line}"))
        except (PreconditionFailed, ClientError, BotoCoreError, OSError) as error:
            resume = f"Fix the cause, then resume with: {command} --from {step.name}"
            advice = f"\n{resume} (finished steps can safely run again)" if command else ""
            raise StepFailed(f"step {step.name} failed: {error}{advice}") from error
        echo(f"      done, {monotonic() - started:.0f} s")


def duration(minutes: float) -> str:
    """Return the expected duration of a step in words."""
    return f"about {minutes:.0f} minute{'s' * (minutes > 1)}" if minutes >= 1 else "seconds"


def poll(pause: float, timeout: float) -> Iterator[float]:
    """Yield the seconds waited so far: at once, and then every `pause` seconds until `timeout` has passed."""
    started = monotonic()
    yield 0.0
    while monotonic() - started < timeout:
        sleep(pause)
        yield monotonic() - started
