"""Names in S3."""

import pytest

from cli.backfill.s3_name import S3Name, parse_folder, parse_object


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
