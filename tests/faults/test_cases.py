"""No fault of Redis or PostgreSQL fails a request; and none makes it exceed its time limit, which runs alone."""

from docs.generate import with_tables
from tests.faults import other_cases, postgres_cases, redis_cases
from tests.faults.case import Scenario, parametrize
from tests.faults.documented import PAGE, tables
from tests.faults.rig import Rig, run_case


@parametrize([*redis_cases.CASES, *other_cases.BOTH_CASES])
def test_redis_and_both(redis_rig: Rig, scenario: Scenario[Rig]) -> None:
    run_case(scenario, redis_rig)


@parametrize(postgres_cases.CASES)
def test_postgres(postgres_rig: Rig, scenario: Scenario[Rig]) -> None:
    run_case(scenario, postgres_rig)


def test_the_page_has_the_tables_of_the_cases() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page == with_tables(PAGE, tables()), "the tables are out of date; run: python -m tests.faults.documented"
