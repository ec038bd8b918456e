"""Redaction: messages and stack traces without secrets and coordinates."""

from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.errors import StoreError
from chalicelib.redaction import summary_of, trace_of
from tests.support.processor_time import limited


@pytest.mark.parametrize(
    "message",
    [
        'invalid dsn: no matching "]" in IPv6 host address in URI: "postgresql://me:hunter2[@host/x"',
        "invalid URL postgresql://host/x?user=me&password=hunter2&sslmode=require",
        "cannot parse rediss://:hunt@er:hunter2@host:6379/0",
        "ERR unknown command 'HGETX', with args beginning with: 'key' 'hunter2' ",
        'syntax error at or near "x"\nLINE 1: select hunter2',
        "missing features\nDETAIL:  Key (cell)=(hunter2) is not there.",
    ],
)
def test_a_summary_has_no_secret_and_no_value(message: str) -> None:
    assert "hunter2" not in summary_of(message)
    assert "hunter2" not in StoreError("postgres_refused", message).summary


@pytest.mark.parametrize(
    "message",
    [
        'connection to server at "10.0.3.7", port 5432 failed: Connection refused',
        "Error 111 connecting to cache.example:6379. Connection refused.",
        'password authentication failed for user "faunalens"',
    ],
)
def test_a_summary_keeps_hosts_ports_and_users(message: str) -> None:
    assert summary_of(message) == message


@given(st.text())
def test_a_summary_is_one_short_line(message: str) -> None:
    summary = summary_of(message)
    assert len(summary) <= 200
    assert "\n" not in summary


@given(st.floats(-90, 90).map(lambda each: round(each, 5)), st.floats(-180, 180).map(lambda each: round(each, 5)))
def test_a_trace_has_no_coordinates_however_they_are_written(latitude: float, longitude: float) -> None:
    written = (f"{latitude},{longitude}", f"({latitude!r}, {longitude!r})", f"lat={latitude:.7f}&lon={longitude:e}")
    for text in written:
        trace = trace_of(f"ValueError: {text}")
        assert "." not in trace
        assert "e-" not in trace


@pytest.mark.parametrize("before", ["\\x1c", "lat", "x", "9.", "_"])
def test_a_trace_has_no_coordinates_after_a_letter(before: str) -> None:
    assert "33.869" not in trace_of(f"ValueError: could not convert string to float: '{before}33.8694271'")
    assert "869" not in trace_of(f"{before}33.8694271")


def test_a_trace_keeps_names_and_lines() -> None:
    trace = '  File "/opt/python/lib/python3.13/site-packages/h3/api.py", line 12, in f\nKeyError: 105'
    assert trace_of(trace) == trace
    assert trace_of("line\n" * 10_000 + trace).endswith(f"line\n{trace}")
    # AND no fractions of degrees
    trace = trace_of("TypeError: ((33, 1), (52, 1), (994271, 100000)) S, in micro-degrees -33869427")
    assert trace == "TypeError: ((33, 1), (52, 1), (#, #)) S, in micro-degrees #"


@limited(5)
@pytest.mark.parametrize("part", ["://", "1", "password=", "a\n", "1.", "e-"])
def test_a_trace_is_never_long_and_never_takes_long(part: str, most: float) -> None:
    # GIVEN an error message of up to 9 MB that is slow to scan
    started = process_time()
    # WHEN it is redacted THEN the result is short and fast
    assert len(trace_of(f"ValueError: {part * 1_000_000}")) <= 20_000
    assert len(summary_of(f"ValueError: {part * 1_000_000}")) <= 200
    assert process_time() - started < most
