"""No fault of Redis fails a request, or takes longer than it may."""

from tests.faults.case import Answer, Case, State, parameters, play
from tests.faults.redis_cases import CASES
from tests.faults.rig import Rig


@parameters(CASES)
def test_redis(redis_rig: Rig, case: Case[Rig], state: State, answer: Answer) -> None:
    play(case, state, answer, redis_rig, redis_rig.straight if case.direct else redis_rig.through_proxies)
