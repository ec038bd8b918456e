"""No fault of PostgreSQL fails a request, or takes longer than it may."""

from testing.faults.case import Answer, Case, State, parameters, play
from testing.faults.postgres_cases import CASES
from testing.faults.rig import Rig


@parameters(CASES)
def test_postgres(postgres_rig: Rig, case: Case[Rig], state: State, answer: Answer) -> None:
    play(case, state, answer, postgres_rig, postgres_rig.straight if case.direct else postgres_rig.through_proxies)
