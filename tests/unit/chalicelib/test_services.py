"""Services: built from the settings, or an error that says why not."""

from contextlib import closing

import pytest

from chalicelib.config.settings import Settings
from chalicelib.config.stores import RedisSettings
from chalicelib.errors import CacheError
from chalicelib.features.deadline import Deadline
from chalicelib.services import build_cache
from tests.support.servers import scripted


def test_by_default_all_of_a_lookup_fits_the_total() -> None:
    chosen = Settings()
    assert chosen.database.connect + chosen.database.command > chosen.database.total
    assert chosen.redis.total + chosen.database.total < chosen.features.total
    assert chosen.warming.margin > 300


def test_a_token_that_cannot_be_signed_is_a_fault_and_no_exception(monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN no credentials anywhere
    monkeypatch.setattr("botocore.session.Session.get_credentials", lambda _: None)
    with scripted(lambda _: b"+OK\r\n") as server:
        url = f"redis://app@127.0.0.1:{server.address.port}"
        chosen = Settings(redis=RedisSettings(iam_cache="faunalens", url=url))
        with closing(build_cache(chosen)) as cache, pytest.raises(CacheError) as caught:
            cache.read(b"k", Deadline.after(1))
    assert caught.value.fault == "redis_auth"
