"""No fault of PostgreSQL fails a request, or takes longer than it may."""

from contextlib import closing
from time import monotonic

import pytest

from tests.faults.case import Answer, Case, Container, State, assert_answered, assert_recovers
from tests.faults.postgres_cases import CASES
from tests.faults.rig import Rig

RECOVERY = 2.0
"""Seconds after a fault until PostgreSQL is used again; `BREAKER_REST` and `FEATURES_REST` are 0.2 s here."""
TOTAL = 1.5


@pytest.mark.parametrize(
    ("case", "state", "answer"),
    [
        pytest.param(case, state, answer, id=f"{case.name}: {state}")
        for case in CASES
        for state, answer in case.answers.items()
    ],
)
def test_postgres(postgres_rig: Rig, case: Case[Rig], state: State, answer: Answer) -> None:
    # GIVEN a container, and what is known of a cell
    variables = postgres_rig.straight if case.direct else postgres_rig.through_proxies
    with closing(Container({**variables, **case.settings})) as container:
        if case.connected:
            postgres_rig.connect(container)
        cell = postgres_rig.know(state, container)
        # WHEN PostgreSQL breaks THEN what is known is answered, else it is said that nothing is; in time
        with case.fault(postgres_rig):
            assert_answered(answer, container, cell)
            started = monotonic()
            container.of(postgres_rig.cell())
            assert monotonic() - started < TOTAL
        # AND once it is whole again it is used again
        assert_recovers(container, postgres_rig.cell(), RECOVERY)
