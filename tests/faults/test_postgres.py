"""No fault of PostgreSQL fails a request or exceeds its time limit."""

from testing.faults.case import CacheState, Expected, FaultCase, parametrize
from testing.faults.postgres_cases import CASES
from testing.faults.rig import Rig, run_case


@parametrize(CASES)
def test_postgres(postgres_rig: Rig, case: FaultCase[Rig], state: CacheState, expected: Expected) -> None:
    run_case(
        case,
        state,
        expected,
        postgres_rig,
        postgres_rig.direct_settings if case.direct else postgres_rig.proxied_settings,
    )
