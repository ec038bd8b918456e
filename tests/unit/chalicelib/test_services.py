"""Services: built from the settings, or told why not."""

from contextlib import closing
from pathlib import Path

import pytest
from onnx import ModelProto

from chalicelib.config.budget import Budget
from chalicelib.config.settings import Settings
from chalicelib.errors import CacheError, ModelError
from chalicelib.features.deadline import Deadline
from chalicelib.services import Services, build_cache, build_features, build_store, build_warming
from chalicelib.stores.redis_connection import DeadlineConnection
from testing import tiny_model
from testing.scripted_server import serve


def settings(**variables: str) -> Settings:
    return Settings.from_environment(variables)


def test_budgets_and_bounds_come_from_the_settings() -> None:
    # GIVEN settings that differ from the defaults
    chosen = settings(
        REDIS_CONNECT="0.2",
        REDIS_COMMAND="0.1",
        REDIS_TOTAL="0.25",
        REDIS_IDLE="30",
        REDIS_CONNECTIONS="3",
        DATABASE_CONNECT="0.4",
        DATABASE_STATEMENT="0.6",
        DATABASE_TOTAL="0.7",
        FEATURES_TOTAL="1.1",
        FEATURES_LEASE="0.8",
        FEATURES_SOFT_TTL="60",
        MEMORY_FRESH="5",
        VERSION_FRESH="2",
    )
    # WHEN the stage is built THEN they are where they belong
    cache, store = build_cache(chosen), build_store(chosen)
    features = build_features(chosen, cache, store)
    client = cache._get_client()
    assert client.budget == Budget(0.2, 0.1, 0.25)
    assert client._permits.qsize() == 3
    connection = client._plain.connection_pool.make_connection()
    assert isinstance(connection, DeadlineConnection)
    assert connection._idle == 30
    assert store._budget == Budget(0.4, 0.6, 0.7)
    assert "statement_timeout=600" in str(store._arguments["options"])
    policy = features._policy
    assert (policy.total, policy.lease, policy.fresh, policy.version) == (1.1, 0.8, 5, 2)
    assert policy.ttl.soft == 60


def test_by_default_a_lease_outlives_a_query_and_all_of_it_fits_the_total() -> None:
    chosen = settings()
    assert chosen.features_lease > chosen.database_total
    assert chosen.database_connect + chosen.database_statement > chosen.database_total
    assert chosen.redis_total + chosen.database_total < chosen.features_total
    assert chosen.warm_margin > 300


def test_warming_may_query_for_longer_than_a_request() -> None:
    store = build_store(settings(), statement=20.0)
    assert store._budget.command == 20
    assert store._budget.total > 20
    assert build_warming(settings())._plan.hottest == 200


def test_iam_signs_in_where_it_is_asked_for() -> None:
    plain = settings()
    signed = settings(DATABASE_IAM="true", REDIS_IAM_CACHE="faunalens", REDIS_URL="rediss://app@cache.example.com")
    assert build_store(plain)._password is None
    assert build_store(signed)._password is not None
    assert build_cache(plain)._get_client()._sign_ins._login is None
    assert build_cache(signed)._get_client()._sign_ins._login is not None


def test_a_token_that_cannot_be_signed_is_a_fault_and_no_exception(monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN no credentials anywhere
    monkeypatch.setattr("botocore.session.Session.get_credentials", lambda _: None)
    with serve(lambda _: b"+OK\r\n") as server:
        chosen = settings(REDIS_IAM_CACHE="faunalens", REDIS_URL=f"redis://app@127.0.0.1:{server.address.port}")
        with closing(build_cache(chosen)) as cache, pytest.raises(CacheError) as caught:
            cache.read(b"k", Deadline.after(1))
    assert caught.value.fault == "redis_auth"


def test_certificates_are_passed_on() -> None:
    chosen = settings(DATABASE_CA="/etc/rds.pem")
    assert build_store(chosen)._arguments["sslrootcert"] == str(Path("/etc/rds.pem"))


def settings_in(folder: Path, labels: str = tiny_model.LABELS, model: ModelProto | None = None) -> Settings:
    path = tiny_model.write(folder, model or tiny_model.tiny_model(), labels)
    return Settings(model_path=path, redis_url="redis://127.0.0.1:9")


def test_another_model_is_taken_with_its_labels(tmp_path: Path) -> None:
    services = Services.build(settings_in(tmp_path))
    assert [animal.name for animal in services.models.taxonomy.animals] == ["red fox", "tree frog", "dog"]
    assert services.models.general.animals == 3


def test_labels_of_another_length_are_told_at_the_start(tmp_path: Path) -> None:
    # GIVEN a model of three animals and labels of two
    labels = "".join(tiny_model.LABELS.splitlines(keepends=True)[:3])
    # WHEN built; THEN it says so, before any request has to
    with pytest.raises(ModelError, match=r"tiny\.onnx has 3 animals, labels\.csv has 2 rows"):
        Services.build(settings_in(tmp_path, labels))


def test_health_is_down_with_a_model_that_fails_when_it_is_run(tmp_path: Path) -> None:
    # GIVEN a model that is loaded and cannot be run
    services = Services.build(settings_in(tmp_path, model=tiny_model.failing_model()))
    # WHEN asked for health; THEN it is told that nothing can be identified, whatever stores do
    health = services.health("r-1", deep=False)
    assert (health.status, health.model.state, health.model.detail) == ("down", "failing", "failed")
