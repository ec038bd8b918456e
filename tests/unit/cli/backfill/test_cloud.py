"""The account and the region that the environment names."""

import pytest

from cli.backfill.cloud import Cloud
from cli.errors import CommandError


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_DEFAULT_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")


@pytest.mark.parametrize("name", ["AWS_REGION", "AWS_DEFAULT_REGION"])
def test_both_variables_name_the_region(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "eu-west-1")
    assert Cloud("prod").s3.meta.region_name == "eu-west-1"


def test_without_a_region_it_is_said() -> None:
    with pytest.raises(CommandError, match="set AWS_REGION"):
        Cloud("prod")


def test_a_profile_that_nobody_has_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(CommandError, match=r"\(nobody\) could not be found; check AWS_PROFILE"):
        Cloud("prod")
