"""A sign-in that takes longer than a request is kept, and used as soon as it is through."""

from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from time import monotonic, sleep
from typing import NamedTuple

import pytest

from chalicelib.config.settings import Settings
from chalicelib.deadline import Deadline
from chalicelib.features.features import Features
from chalicelib.services import build_warming
from local.stack.ports import HOST
from tests.faults.case import LOOKUP_LIMIT
from tests.faults.containers import ContainerLookup, FreezingContainer, Reply
from tests.faults.other_cases import AFTER, LATE, PAUSE, SIGN_INS, SignInCase, Slow
from tests.faults.proxy import Proxy
from tests.faults.rig import Rig, with_address

pytestmark = pytest.mark.alone

THREADS = 8


class Outcome(NamedTuple):
    """What happened in one case. `late`: seconds from the moment when the server signs in to the end of a lookup."""

    replies: list[Reply]
    late: float
    after: Reply
    connections: int


@contextmanager
def slow(rig: Rig, store: Slow, seconds: float) -> Iterator[tuple[Proxy, Mapping[str, str]]]:
    """Yield a proxy to a store that signs in slowly, and the variables of a container that connects through it."""
    if store == "PostgreSQL":
        variable, url, port = "DATABASE_URL", rig.database_url, rig.postgres.port
    else:
        variable, url, port = "REDIS_URL", rig.redis_url, rig.redis.port
    with Proxy.to(port) as proxy:
        proxy.sign_in_slowly(seconds)
        yield proxy, {**rig.direct_settings, variable: with_address(url, HOST, proxy.port)}


def look_up_until_through(case: SignInCase, container: FreezingContainer, proxy: Proxy, rig: Rig) -> Outcome:
    """Look up uncached cells until one comes from the database by way of Redis."""
    replies = [container.at(rig.cell())]
    while replies[-1].cache != "miss" and monotonic() < proxy.accepted_at + case.seconds + 5:
        sleep(PAUSE)
        replies.append(container.at(rig.cell()))
    late = monotonic() - proxy.accepted_at - case.seconds
    return Outcome(replies, late, container.at(rig.cell()), proxy.accepted)


@pytest.fixture(scope="module")
def outcomes(redis_rig: Rig) -> Iterator[Mapping[SignInCase, "Future[Outcome]"]]:
    """Run all cases at the same time, because the slowest takes 20 s."""
    with ExitStack() as stack:
        threads = stack.enter_context(ThreadPoolExecutor(len(SIGN_INS)))
        started = {}
        for case in SIGN_INS:
            proxy, variables = stack.enter_context(slow(redis_rig, case.store, case.seconds))
            container = stack.enter_context(FreezingContainer(variables, freezes=case.freezes))
            started[case] = threads.submit(look_up_until_through, case, container, proxy, redis_rig)
        yield started


@pytest.mark.parametrize("case", SIGN_INS, ids=str)
def test_a_sign_in_is_used_as_soon_as_it_is_through(
    outcomes: Mapping[SignInCase, "Future[Outcome]"], case: SignInCase
) -> None:
    # GIVEN a store that signs in slowly WHEN a container looks up cells again and again
    replies, late, after, connections = outcomes[case].result()
    # THEN each lookup until then is in time and reports the sign-in, and no breaker opens
    expected = case.until_through
    assert {reply[:3] for reply in replies[:-1]} == {(expected.mode, expected.cache, expected.faults)}
    assert max(reply.seconds for reply in replies[:-1]) < expected.within
    assert not any(reply.opened for reply in replies)
    # AND the first one after that uses the connection, which is the only one so far, and so does the next
    assert (replies[-1][:3], after[:3]) == ((AFTER.mode, AFTER.cache, AFTER.faults),) * 2
    assert late < LATE
    assert connections == 1


@pytest.mark.parametrize("store", ["PostgreSQL", "Redis"])
def test_threads_share_the_sign_in(redis_rig: Rig, store: Slow) -> None:
    # GIVEN a store that takes 0.7 s to sign in
    with (
        slow(redis_rig, store, 0.7) as (proxy, variables),
        closing(ContainerLookup(variables)) as container,
        ThreadPoolExecutor(THREADS) as threads,
    ):
        # WHEN many threads look up cells all the time
        began, found = monotonic(), list[tuple[float, float, Features]]()

        def look_up(_: int) -> None:
            while (started := monotonic()) < began + 1.5:
                features = container.at(redis_rig.cell())
                found.append((started - began, monotonic() - started, features))
                sleep(0.02)

        list(threads.map(look_up, range(THREADS)))
    # THEN never are two sign-ins under way, and each lookup is in time
    assert proxy.most_silent == 1
    assert max(seconds for _, seconds, _ in found) < LOOKUP_LIMIT
    # AND soon after the first sign-in is through, all threads use the connection
    expected = SIGN_INS[0].until_through if store == "PostgreSQL" else SIGN_INS[-1].until_through
    assert {features.faults for _, _, features in found} == {(), expected.faults}
    assert {features.faults for at, _, features in found if at > 1.0} == {()}
    if store == "PostgreSQL":
        assert proxy.accepted == 1


@pytest.mark.parametrize("store", ["PostgreSQL", "Redis"])
def test_warming_waits_for_the_sign_in(redis_rig: Rig, store: Slow) -> None:
    with slow(redis_rig, store, 3.0) as (proxy, variables):
        warming = build_warming(Settings.from_environment({**variables, "WARM_HOTTEST": "5"}))
        report = warming.run(Deadline.after(57))
        assert (report.faults, report.failed) == ([], 0)
        assert report.considered > 0
        assert report.seconds > 3.0
        assert proxy.accepted == 1
