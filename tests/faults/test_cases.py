"""No fault of Redis or PostgreSQL fails a request; and none makes it exceed its time limit, which runs alone."""

from docs.generate import with_tables
from tests.faults import postgres_cases, redis_cases
from tests.faults.case import Scenario, parametrize
from tests.faults.documented import PAGE, tables
from tests.faults.rig import Rig, run_case


@parametrize(redis_cases.CASES)
def test_redis(redis_rig: Rig, scenario: Scenario[Rig]) -> None:
    run_case(scenario, redis_rig, redis_rig.direct_settings if scenario.case.direct else redis_rig.proxied_settings)


@parametrize(postgres_cases.CASES)
def test_postgres(postgres_rig: Rig, scenario: Scenario[Rig]) -> None:
    rig = postgres_rig
    run_case(scenario, rig, rig.direct_settings if scenario.case.direct else rig.proxied_settings)


def test_the_page_has_the_tables_of_the_cases() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page == with_tables(PAGE, tables()), "the tables are out of date; run: python -m tests.faults.documented"
