"""Objects in S3: read, found, written once or again, and deleted, against a simulated account."""

from collections.abc import Iterator

import pytest

from chalicelib.config.stores import Budget
from chalicelib.errors import Unavailable
from chalicelib.stores.objects import Objects
from tests.support.aws import REGION, account

BUDGET = Budget(1.0, 3.0, 10.0)


@pytest.fixture(scope="module")
def objects() -> Iterator[Objects]:
    """S3 with a bucket `photos`."""
    with account() as aws, pytest.MonkeyPatch.context() as patch:
        for name, value in aws.environment.items():
            patch.setenv(name, value)
        s3 = aws.client("s3")
        s3.create_bucket(Bucket="photos", CreateBucketConfiguration={"LocationConstraint": REGION})
        s3.put_object(Bucket="photos", Key="inbox/a b+é.jpg", Body=b"photo", Metadata={"Station": "creek-1"})
        yield Objects(REGION, BUDGET, 2)


@pytest.mark.parametrize(("most", "data"), [(5, b"photo"), (4, None)], ids=["small enough", "too large to be read"])
def test_a_photo_is_read_with_what_its_owner_said(objects: Objects, most: int, data: bytes | None) -> None:
    found = objects.read("photos", "inbox/a b+é.jpg", most)
    assert found is not None
    assert (found.data, found.size, found.metadata) == (data, 5, {"station": "creek-1"})
    assert len(found.etag) == 32
    assert objects.read("photos", "inbox/none.jpg", 5) is None


def test_a_line_is_written_once_unless_it_is_to_be_replaced(objects: Objects) -> None:
    # GIVEN a line
    objects.write("photos", "results/1.json", "first\n", replace=False)
    # WHEN it is written again THEN it stays, unless it is to be replaced
    for text, replace, kept in (("second\n", False, b"first\n"), ("third\n", True, b"third\n")):
        objects.write("photos", "results/1.json", text, replace=replace)
        found = objects.read("photos", "results/1.json", 100)
        assert found is not None
        assert found.data == kept
    # AND it is deleted once, and once more
    assert objects.exists("photos", "results/1.json")
    for _ in range(2):
        objects.delete("photos", "results/1.json")
        assert not objects.exists("photos", "results/1.json")


def test_what_s3_refuses_or_does_not_answer_is_unavailable(objects: Objects, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Unavailable, match="NoSuchBucket"):
        objects.write("none", "a", "", replace=True)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(Unavailable, match="cannot be reached"):
        Objects(REGION, BUDGET, 1).exists("photos", "a")
