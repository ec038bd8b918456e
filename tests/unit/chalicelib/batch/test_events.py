"""Events of the batch function: messages of SQS with notifications of S3, and batches of a Distributed Map."""

import json
from math import isnan
from typing import Any

import pytest

from chalicelib.batch.events import Item, read_map_batch, read_messages
from chalicelib.errors import EventInvalid


def message(body: object, name: str = "m1", received: int = 1) -> dict[str, Any]:
    """A message of SQS as Lambda gets it, without the fields that are not read."""
    text = body if isinstance(body, str) else json.dumps(body)
    return {"messageId": name, "body": text, "attributes": {"ApproximateReceiveCount": str(received)}}


def created(key: str, etag: str = "e1") -> dict[str, Any]:
    """A record of S3's notification."""
    return {"s3": {"bucket": {"name": "photos"}, "object": {"key": key, "size": 7, "eTag": etag}}}


def test_a_message_names_photos_with_decoded_keys() -> None:
    # GIVEN a message about two photos; S3 encodes keys as forms do
    event = {"Records": [message({"Records": [created("inbox/a+b%C3%A9.jpg"), created("inbox/c.jpg", "e2")]}, "m7", 3)]}
    # WHEN read THEN each photo knows its message and the attempt
    items, broken = read_messages(event)
    assert items == [
        Item("photos", "inbox/a bé.jpg", "e1", message="m7", attempt=3),
        Item("photos", "inbox/c.jpg", "e2", message="m7", attempt=3),
    ]
    assert items[0].url == "s3://photos/inbox/a bé.jpg"
    assert not broken


@pytest.mark.parametrize(
    "body", [{"Service": "Amazon S3", "Event": "s3:TestEvent"}, {"Records": [created("inbox/folder/")]}]
)
def test_test_messages_and_folders_are_about_no_photo(body: object) -> None:
    assert read_messages({"Records": [message(body)]}) == ([], {})


@pytest.mark.parametrize("body", ["", "[]", "null", "{}", {"Records": [{}]}, {"Records": 1}, "[" * 100_000])
def test_a_message_that_nobody_understands_is_named_and_the_others_are_read(body: object) -> None:
    good = message({"Records": [created("inbox/a.jpg")]}, "good")
    items, broken = read_messages({"Records": [message(body, "bad"), good]})
    assert broken.keys() == {"bad"}
    assert [each.message for each in items] == ["good"]


def test_a_batch_of_a_map_is_sorted_by_station() -> None:
    # GIVEN items as a manifest of CSV gives them, as text, some empty
    event = {
        "BatchInput": {"results": "s3://photos/results/spring", "run": "spring"},
        "Attempt": 2,
        "Items": [
            {"bucket": "photos", "key": "b", "station": "south"}
            | {"latitude": "-33.9", "longitude": "151.2", "time": "t", "shift": "-3600"},
            {"bucket": "photos", "key": "a", "station": "", "latitude": "", "etag": '"e9"'},
            {"bucket": "photos", "key": "c", "station": "north", "latitude": "north", "longitude": 1, "shift": "inf"},
        ],
    }
    # WHEN read THEN photos of a station follow each other, and what is no number is no location
    batch = read_map_batch(event)
    assert (batch.bucket, batch.prefix) == ("photos", "results/spring/")
    first, second, third = batch.items
    assert first == Item("photos", "a", "e9", attempt=3)
    assert (second.station, isnan(second.latitude or 0), second.longitude) == ("north", True, 1.0)
    assert second.shift == 0.0
    assert third == Item("photos", "b", "", "south", -33.9, 151.2, "t", -3600.0, attempt=3)


@pytest.mark.parametrize("results", [None, "", "results/", "https://b/results/", "s3://", "s3://b", "s3://b/"])
def test_results_without_a_bucket_and_a_prefix_are_refused(results: str | None) -> None:
    with pytest.raises(EventInvalid, match="expected s3://BUCKET/PREFIX/"):
        read_map_batch({"BatchInput": {"results": results}, "Items": []})


def test_an_item_without_a_key_is_refused() -> None:
    with pytest.raises(EventInvalid, match="'key'"):
        read_map_batch({"BatchInput": {"results": "s3://b/r"}, "Items": [{"bucket": "b"}]})
