"""Settings: environment variables become typed values, or an error that names the variable."""

import json
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.config.field import variables
from chalicelib.config.settings import ROOT, Settings
from chalicelib.errors import SettingError
from docs.generate import meanings

VARIABLES = variables(Settings)


def test_values_are_read_with_their_type_and_an_empty_environment_gives_the_defaults() -> None:
    empty = {"PHOTO_MAX_BYTES": "", "OTHER": "y"}  # empty counts as unset
    assert Settings.from_environment({}) == Settings.from_environment(empty) == Settings()
    # GIVEN text, as environments have it
    environment = {"PHOTO_MAX_BYTES": "1000", "PRIOR_FLOOR": "0.5", "MODEL_PATH": "x.onnx", "LOG_LEVEL": "DEBUG"}
    environment |= {"SECOND_LOOK": "no", "BOXES": "yes"}
    # WHEN read THEN each has its type
    settings = Settings.from_environment(environment)
    assert (settings.photo.max_bytes, settings.thresholds.prior_floor) == (1000, 0.5)
    assert (settings.model.path, settings.model.second_look, settings.model.boxes) == (Path("x.onnx"), False, True)
    assert settings.telemetry.log_level == "DEBUG"


@pytest.mark.parametrize(
    ("variable", "value", "expected"),
    [
        ("PHOTO_MAX_BYTES", "many", "setting PHOTO_MAX_BYTES is 'many': expected a whole number, 1 or more"),
        ("FEATURES_TOTAL", "abc", "setting FEATURES_TOTAL is 'abc': expected a number above 0"),
        ("REDIS_URL", "redis://localhost:70000", r"setting REDIS_URL is \(hidden\): expected a port from 0 to 65535"),
        ("REDIS_PREFIX", "dev{1}:", r"'dev\{1\}:': expected letters, digits and any of _:./-, such as faunalens-dev:"),
        ("LOG_LEVEL", "loud", "expected one of DEBUG, INFO, WARNING, ERROR"),
    ],
)
def test_a_wrong_value_is_named_with_what_was_expected(variable: str, value: str, expected: str) -> None:
    with pytest.raises(SettingError, match=expected):
        Settings.from_environment({variable: value})


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ({"DATABASE_TOTAL": "1.2"}, "DATABASE_TOTAL is 1.2 and FEATURES_LEASE is 1.2; DATABASE_TOTAL must be below F"),
        ({"DATABASE_STATEMENT": "1"}, "DATABASE_STATEMENT is 1 and DATABASE_TOTAL is 1"),
        ({"FEATURES_TOTAL": "0.8"}, "DATABASE_STATEMENT is 0.8 and FEATURES_TOTAL is 0.8"),
        ({"REDIS_COMMAND": "2"}, "REDIS_COMMAND is 2 and FEATURES_TOTAL is 1.5"),
    ],
)
def test_settings_that_contradict_each_other_are_both_named(environment: dict[str, str], sentence: str) -> None:
    with pytest.raises(SettingError, match=f"setting {sentence}"):
        Settings.from_environment(environment)

    # AND related settings can all change together
    environment = {"DATABASE_TOTAL": "5", "DATABASE_STATEMENT": "4", "FEATURES_LEASE": "6", "FEATURES_TOTAL": "7"}
    assert Settings.from_environment(environment).features.lease == 6


def test_the_text_of_a_setting_names_its_upper_limits() -> None:
    for name, text in meanings(Settings).items():
        assert text
        assert all(f"`{larger}`" in text for larger in VARIABLES[name].below), name


def test_the_environment_of_every_stage_is_valid() -> None:
    stages = json.loads((ROOT / ".chalice" / "config.json").read_text(encoding="utf-8"))["stages"]
    for stage in stages.values():
        Settings.from_environment(stage["environment_variables"])


@given(st.sampled_from(sorted(VARIABLES)), st.text(min_size=1))
def test_any_text_is_a_value_or_a_setting_error(variable: str, text: str) -> None:
    with suppress(SettingError):
        Settings.from_environment({variable: text})


def test_a_database_url_may_list_several_hosts_and_its_password_is_not_repeated_in_an_error() -> None:
    with pytest.raises(SettingError) as caught:
        Settings.from_environment({"DATABASE_URL": "mysql://me:secret@host/db"})
    assert "secret" not in str(caught.value)
    url = "postgresql://app@one:5432,two:5432/features"
    assert Settings.from_environment({"DATABASE_URL": url}).database.url == url


def test_both_stores_share_the_time_limit_of_a_sign_in_and_the_limits_of_a_breaker() -> None:
    settings = Settings.from_environment({"SIGN_IN": "9", "BREAKER_FAILURES": "7", "BREAKER_REST": "8"})
    for each in (settings.redis, settings.database):
        assert (each.sign_in, each.breaker_failures, each.breaker_reset_timeout) == (9, 7, 8)
        # AND a patient client waits for the whole sign-in
        assert (each.patient().connect, each.patient().total) == (9, 9 + each.total)


def test_the_earlier_name_of_a_setting_is_still_read_with_a_warning() -> None:
    with pytest.warns(FutureWarning, match="FEATURES_EMPTY_TTL is now called FEATURES_EMPTY_TTL_FACTOR"):
        settings = Settings.from_environment({"FEATURES_EMPTY_TTL": "0.5"})
    assert settings.features.ttl.empty_factor == 0.5
    # AND the new name wins
    both = Settings.from_environment({"FEATURES_EMPTY_TTL": "0.5", "FEATURES_EMPTY_TTL_FACTOR": "0.1"})
    assert both.features.ttl.empty_factor == 0.1


def test_lambda_refuses_an_engine_that_its_package_has_no_room_for() -> None:
    settings = Settings.from_environment({"ENGINE": "speciesnet", "ENGINE_WEIGHTS": "weights/"})
    assert settings.model.engine_weights == "weights/"
    with pytest.raises(SettingError, match=r"ENGINE is 'speciesnet', which does not fit in Lambda's package; expected"):
        settings.with_our_models()
    assert Settings().with_our_models() == Settings()


def test_a_version_in_shadow_runs_our_models_alone() -> None:
    live = {"ENGINE": "speciesnet", "SHADOW_SHARE": "0.1"}
    # GIVEN another engine in shadow THEN it is refused, since nothing would run it
    other = {**live, "SHADOW_SETTINGS": "ENGINE=megadetector"}
    with pytest.raises(SettingError, match="ENGINE is 'megadetector', but a version to compare has our models"):
        Settings.from_environment(other).candidate(other)
    # AND ours may be compared with another engine
    ours = Settings.from_environment(live | {"SHADOW_SETTINGS": "ENGINE=local"}).candidate(live)
    assert ours is not None
    assert ours.model.engine == "local"


def test_features_are_stale_before_redis_deletes_them() -> None:
    with pytest.raises(SettingError, match="FEATURES_SOFT_TTL must be below FEATURES_HARD_TTL"):
        Settings.from_environment({"FEATURES_HARD_TTL": "3600"})
