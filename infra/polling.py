"""Poll AWS where boto3 has no waiter."""

from collections.abc import Iterator
from time import monotonic, sleep


def poll(pause: float, timeout: float) -> Iterator[float]:
    """Yield the seconds waited so far: at once, and then every `pause` seconds until `timeout` has passed."""
    started = monotonic()
    yield 0.0
    while monotonic() - started < timeout:
        sleep(pause)
        yield monotonic() - started
