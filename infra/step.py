"""Steps of a long command: told one by one, each of which can be repeated, so that a failure can be gone on from."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import monotonic

Say = Callable[[str], None]
"""Tells one line of progress."""


class StepFailed(Exception):
    """A step could not be done; the text says which, why, and how to go on."""


class PreconditionFailed(Exception):
    """What a step needs is not there; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step. `name`: a word to go on from; `what`: for people; `act` may tell more lines and raises `PreconditionFailed`."""

    name: str
    what: str
    act: Callable[[Say], None]


def run(steps: Sequence[Step], say: Say, *, first: str = "", command: str = "") -> None:
    """Do all steps from `first` on. Raises `StepFailed`.

    `command`: how this was started, for the sentence that says how to go on.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    names = [step.name for step in steps]
    if first and first not in names:
        raise StepFailed(f"there is no step {first}; the steps are {', '.join(names)}")
    for number, step in enumerate(steps, 1):
        if number <= (names.index(first) if first else 0):
            continue
        started = monotonic()
        say(f"[{number}/{len(steps)}] {step.what}")
        try:
            step.act(lambda line: say(f"      {line}"))
        except (PreconditionFailed, ClientError, BotoCoreError, OSError) as error:
            raise StepFailed(
                f"step {step.name} failed: {error}\n"
                f"When that is mended, go on with: {command} --from {step.name} (what is done already can be repeated)"
            ) from error
        say(f"      done, {monotonic() - started:.0f} s")
