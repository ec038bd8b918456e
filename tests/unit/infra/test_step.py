"""Steps run in order and resume, programs are run in them, and polls end in time."""

from itertools import islice

import pytest
from botocore.exceptions import NoCredentialsError

from infra import step
from infra.step import Echo, PreconditionFailed, Step, StepFailed, run


def steps(done: list[str], failing: str = "", error: Exception | None = None) -> list[Step]:
    def act(name: str) -> Step:
        def do(say: Echo) -> None:
            if name == failing:
                raise error or PreconditionFailed("it is not there; make it")
            done.append(name)
            say(f"did {name}")

        return Step(name, f"do {name}", do, minutes=15 * (name == "one"))

    return [act(name) for name in ("one", "two", "three")]


def test_steps_run_in_order_from_any_on_and_print_progress() -> None:
    done, output = list[str](), list[str]()
    run(steps(done), output.append)
    assert done == ["one", "two", "three"]
    assert output[:3] == ["[1/3] one: do one (about 15 minutes)", "      did one", "      done, 0 s"]
    run(steps(done), output.append, first="two")
    assert done[3:] == ["two", "three"]
    with pytest.raises(StepFailed, match="there is no step four; choose one of one, two, three"):
        run(steps([]), output.append, first="four")


@pytest.mark.parametrize("error", [PreconditionFailed("it is not there"), NoCredentialsError(), OSError("no network")])
def test_a_failure_names_the_step_the_cause_and_the_command_to_resume(error: Exception) -> None:
    done, message = list[str](), f"step two failed: {error}\n.*python -m infra up --stage dev --from two"
    with pytest.raises(StepFailed, match=message):
        run(steps(done, "two", error), lambda _: None, command="python -m infra up --stage dev")
    assert done == ["one"]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Replace the clock by one that only sleeping moves; return the pauses."""
    pauses: list[float] = []
    monkeypatch.setattr(step, "monotonic", lambda: sum(pauses))
    monkeypatch.setattr(step, "sleep", pauses.append)
    return pauses


def test_it_polls_at_once_and_after_each_pause_until_the_timeout(clock: list[float]) -> None:
    assert list(step.poll(10, 25)) == [0, 10, 20, 30]
    # AND without a timeout once
    assert list(step.poll(10, 0)) == [0]
    assert clock == [10, 10, 10]
    # AND it does not sleep after the last look
    assert list(islice(step.poll(10, 100), 3)) == [0, 10, 20]
    assert clock == [10] * 5
