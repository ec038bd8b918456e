"""No fault of Redis fails a request, or takes longer than it may."""

from contextlib import closing

import pytest

from tests.faults.case import Answer, Case, Container, State, assert_answered, assert_recovers
from tests.faults.redis_cases import CASES
from tests.faults.rig import Rig

RECOVERY = 2.0
"""Seconds after a fault until Redis is used again; `BREAKER_REST` is 0.2 s here."""


@pytest.mark.parametrize(
    ("case", "state", "answer"),
    [
        pytest.param(case, state, answer, id=f"{case.name}: {state}")
        for case in CASES
        for state, answer in case.answers.items()
    ],
)
def test_redis(redis_rig: Rig, case: Case[Rig], state: State, answer: Answer) -> None:
    # GIVEN a container, and what is known of a cell
    variables = redis_rig.straight if case.direct else redis_rig.through_proxies
    with closing(Container({**variables, **case.settings})) as container:
        if case.connected:
            redis_rig.connect(container)
        cell = redis_rig.know(state, container)
        # WHEN Redis breaks THEN the answer is narrowed, and in time
        with case.fault(redis_rig):
            assert_answered(answer, container, cell)
            assert container.of(redis_rig.cell()).mode == "narrowed"
        # AND once it is whole again it is used again
        assert_recovers(container, redis_rig.cell(), RECOVERY)
