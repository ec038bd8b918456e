"""What a lookup did: each fault once, in order, and a frozen trace at the end."""

from chalicelib.errors import CacheError, StoreError
from chalicelib.features.trace import Trace, TraceBuilder


def test_a_repeated_fault_counts_once_and_keeps_its_first_details() -> None:
    builder = TraceBuilder()
    builder.add_error(CacheError("redis_timeout", "no answer in 0.15 s"))
    builder.add_error(CacheError("redis_timeout", "again"))
    builder.add_fault("lease_timeout")
    assert builder.faults == ["redis_timeout", "lease_timeout"]
    assert builder.build(warmed=False).details == ("redis_timeout: no answer in 0.15 s",)


def test_an_opened_breaker_is_named_by_its_dependency() -> None:
    builder = TraceBuilder()
    builder.add_error(CacheError("redis_timeout", opened=True))
    builder.add_error(StoreError("postgres_timeout", opened=True))
    builder.add_error(StoreError("postgres_auth"))
    assert builder.build(warmed=False).opened == ("redis", "postgres")


def test_a_trace_has_what_was_counted() -> None:
    builder = TraceBuilder()
    builder.queries, builder.query_ms, builder.waits, builder.wait_ms = 1, 2.5, 3, 4.5
    assert builder.build(warmed=True) == Trace(1, 2.5, 3, 4.5, (), True, ())
