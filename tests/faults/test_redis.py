"""No fault of Redis fails a request or exceeds its time limit."""

from testing.faults.case import CacheState, Expected, FaultCase, parametrize
from testing.faults.redis_cases import CASES
from testing.faults.rig import Rig, run_case


@parametrize(CASES)
def test_redis(redis_rig: Rig, case: FaultCase[Rig], state: CacheState, expected: Expected) -> None:
    run_case(case, state, expected, redis_rig, redis_rig.direct_settings if case.direct else redis_rig.proxied_settings)
