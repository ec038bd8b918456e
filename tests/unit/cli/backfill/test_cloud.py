"""The account and the region that the environment names."""

import pytest

from cli.backfill.cloud import Cloud, S3Name, parse_folder, parse_object
from cli.errors import CommandError


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_DEFAULT_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")


def test_both_variables_name_the_region_and_without_one_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CommandError, match="set AWS_REGION"):
        Cloud("prod")
    for name, region in (("AWS_DEFAULT_REGION", "eu-west-1"), ("AWS_REGION", "us-east-1")):
        monkeypatch.setenv(name, region)
        assert Cloud("prod").client("s3").meta.region_name == region


def test_a_profile_that_nobody_has_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(CommandError, match=r"\(nobody\) could not be found; check AWS_PROFILE"):
        Cloud("prod")


def test_a_folder_ends_with_a_slash() -> None:
    keys = {"s3://photos": "", "s3://photos/": "", "s3://photos/creek": "creek/", "s3://photos/a/b 1/": "a/b 1/"}
    for text, key in keys.items():
        folder = S3Name("photos", key)
        assert parse_folder(text) == parse_folder(str(folder)) == folder


def test_a_name_has_parts_and_what_is_none_is_refused() -> None:
    for text in ("photos/creek", "s3://", "s3://UPPER/a", "https://photos.s3.amazonaws.com/a", "s3:/a/b"):
        with pytest.raises(ValueError, match="no name in S3"):
            parse_object(text)
    folder = S3Name("photos", "batches/creek/")
    assert str(folder / "a.jpg") == "s3://photos/batches/creek/a.jpg"
    assert folder.title == "creek"
    assert S3Name("photos", "").title == "photos"
