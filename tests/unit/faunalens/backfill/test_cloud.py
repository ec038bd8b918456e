"""The account and the region that the environment names, and names in S3."""

import pytest

from faunalens.backfill.cloud import Cloud, S3Name, parse_folder, parse_object
from faunalens.errors import CommandError


def test_either_variable_names_the_region_and_what_is_missing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_DEFAULT_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    with pytest.raises(CommandError, match="set AWS_REGION"):
        Cloud("prod")
    for name, region in (("AWS_DEFAULT_REGION", "eu-west-1"), ("AWS_REGION", "us-east-1")):
        monkeypatch.setenv(name, region)
        assert Cloud("prod").client("s3").meta.region_name == region
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(CommandError, match=r"\(nobody\) could not be found; check AWS_PROFILE"):
        Cloud("prod")


def test_a_folder_ends_with_a_slash_and_has_a_title() -> None:
    keys = {"s3://photos": "", "s3://photos/": "", "s3://photos/creek": "creek/", "s3://photos/a/b 1/": "a/b 1/"}
    for text, key in keys.items():
        folder = S3Name("photos", key)
        assert parse_folder(text) == parse_folder(str(folder)) == folder
    assert [S3Name("photos", key).title for key in ("batches/creek/", "")] == ["creek", "photos"]


@pytest.mark.parametrize(
    "text", ["photos/creek", "s3://", "s3://UPPER/a", "https://photos.s3.amazonaws.com/a", "s3:/a/b"]
)
def test_what_is_no_name_in_s3_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not an address in S3"):
        parse_object(text)
