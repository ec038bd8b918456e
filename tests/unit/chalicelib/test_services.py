"""Services: built from the settings, or an error that says why not."""

from contextlib import closing
from pathlib import Path

import pytest
from onnx import ModelProto

from chalicelib.config.settings import ModelSettings, Settings
from chalicelib.config.stores import RedisSettings
from chalicelib.errors import CacheError
from chalicelib.features.deadline import Deadline
from chalicelib.services import Services, build_cache
from tests.support import tiny_model
from tests.support.servers import scripted


def settings(**variables: str) -> Settings:
    return Settings.from_environment(variables)


def test_by_default_a_lease_outlives_a_query_and_all_of_it_fits_the_total() -> None:
    chosen = settings()
    assert chosen.features.lease > chosen.database.total
    assert chosen.database.connect + chosen.database.command > chosen.database.total
    assert chosen.redis.total + chosen.database.total < chosen.features.total
    assert chosen.warming.margin > 300


def test_a_token_that_cannot_be_signed_is_a_fault_and_no_exception(monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN no credentials anywhere
    monkeypatch.setattr("botocore.session.Session.get_credentials", lambda _: None)
    with scripted(lambda _: b"+OK\r\n") as server:
        chosen = settings(REDIS_IAM_CACHE="faunalens", REDIS_URL=f"redis://app@127.0.0.1:{server.address.port}")
        with closing(build_cache(chosen)) as cache, pytest.raises(CacheError) as caught:
            cache.read(b"k", Deadline.after(1))
    assert caught.value.fault == "redis_auth"


def settings_in(folder: Path, labels: str = tiny_model.LABELS, model: ModelProto | None = None) -> Settings:
    path = tiny_model.write(folder, model or tiny_model.tiny_model(), labels)
    return Settings(model=ModelSettings(path=path), redis=RedisSettings(url="redis://127.0.0.1:9"))


def test_another_model_is_taken_with_its_labels(tmp_path: Path) -> None:
    services = Services.build(settings_in(tmp_path))
    assert [animal.name for animal in services.recogniser.models.taxonomy.animals] == ["red fox", "tree frog", "dog"]
    assert services.recogniser.models.general.animals == 3
