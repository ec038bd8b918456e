"""Health: each part is probed, and only a failing model takes the service down."""

from chalicelib.api.health import Part, check, not_asked, status_of
from chalicelib.errors import CacheError

OK, FAILING = Part("ok", None, 1.0), Part("failing", "cache_timeout", None)


def test_a_part_that_answers_is_ok_and_timed() -> None:
    part = check(lambda: None)
    assert part.state == "ok"
    assert part.milliseconds is not None
    assert part.milliseconds >= 0


def test_a_store_tells_how_long_its_last_sign_in_took() -> None:
    class Signed:
        sign_in_seconds: float | None = 0.71234

    store = Signed()
    assert check(lambda: None, store).sign_in_milliseconds == 712.3
    store.sign_in_seconds = None
    assert check(lambda: None, store).sign_in_milliseconds is None
    assert check(lambda: None).sign_in_milliseconds is None


def test_a_failing_part_has_its_fault_code() -> None:
    def probe() -> None:
        raise CacheError("cache_timeout")

    assert check(probe) == FAILING


def test_a_database_that_requests_found_failing_is_failing_without_a_check() -> None:
    assert not_asked(None) == Part("not_asked", None, None)
    assert not_asked("postgres_breaker_open") == Part("failing", "postgres_breaker_open", None)


def test_only_a_failing_model_takes_the_service_down() -> None:
    assert status_of(OK, OK, OK) == "ok"
    assert status_of(OK, OK, not_asked(None)) == "ok"
    assert status_of(OK, OK, not_asked("postgres_signing_in")) == "degraded"
    assert status_of(OK, FAILING, OK) == "degraded"
    assert status_of(OK, OK, FAILING) == "degraded"
    assert status_of(FAILING, OK, OK) == "down"
