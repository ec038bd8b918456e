"""The account and the region that the environment names."""

import pytest

from cli.backfill.cloud import Cloud, S3Name, parse_folder, parse_object
from cli.errors import CommandError


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_DEFAULT_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")


@pytest.mark.parametrize("name", ["AWS_REGION", "AWS_DEFAULT_REGION"])
def test_both_variables_name_the_region(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "eu-west-1")
    assert Cloud("prod").client("s3").meta.region_name == "eu-west-1"


def test_without_a_region_it_is_said() -> None:
    with pytest.raises(CommandError, match="set AWS_REGION"):
        Cloud("prod")


def test_a_profile_that_nobody_has_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(CommandError, match=r"\(nobody\) could not be found; check AWS_PROFILE"):
        Cloud("prod")


@pytest.mark.parametrize(
    ("text", "folder"),
    [
        ("s3://photos", S3Name("photos", "")),
        ("s3://photos/", S3Name("photos", "")),
        ("s3://photos/creek", S3Name("photos", "creek/")),
        ("s3://photos/2026/creek 1/", S3Name("photos", "2026/creek 1/")),
    ],
)
def test_a_folder_ends_with_a_slash(text: str, folder: S3Name) -> None:
    assert parse_folder(text) == folder
    assert parse_folder(str(folder)) == folder


@pytest.mark.parametrize(
    "text", ["photos/creek", "s3://", "s3://UPPER/a", "https://photos.s3.amazonaws.com/a", "s3:/a/b"]
)
def test_what_is_no_name_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no name in S3"):
        parse_object(text)


def test_a_name_has_parts() -> None:
    folder = S3Name("photos", "batches/creek/")
    assert str(folder / "a.jpg") == "s3://photos/batches/creek/a.jpg"
    assert folder.title == "creek"
    assert S3Name("photos", "").title == "photos"
