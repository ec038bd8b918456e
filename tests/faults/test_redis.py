"""No fault of Redis fails a request, or takes longer than it may."""

from testing.faults.case import Answer, Case, State, parameters, play
from testing.faults.redis_cases import CASES
from testing.faults.rig import Rig


@parameters(CASES)
def test_redis(redis_rig: Rig, case: Case[Rig], state: State, answer: Answer) -> None:
    play(case, state, answer, redis_rig, redis_rig.straight if case.direct else redis_rig.through_proxies)
