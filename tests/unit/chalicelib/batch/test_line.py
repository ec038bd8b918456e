"""Lines of a batch: their names, their text, and what they keep of an answer."""

import json
from math import isnan
from typing import Any

import pytest

from chalicelib.api.responses import ModelUsed, PackUsed, Timings
from chalicelib.batch.line import Item, Line, answer_kept, models_of, read_map_batch, read_messages
from chalicelib.errors import EventInvalid
from tests.support.records import ANSWER


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


BIRDS = ModelUsed(
    name="faunalens", version="71d949d78aae", packs=(PackUsed(name="birds", version="0123456789ab", milliseconds=4.2),)
)


def test_two_answers_to_one_photo_leave_the_same() -> None:
    # GIVEN the answers of two runs: other durations, another request, features from elsewhere
    first = {**ANSWER, "model": BIRDS}
    second = {
        **ANSWER,
        "model": {**BIRDS, "packs": ({**BIRDS["packs"][0], "milliseconds": 9.9},)},
        "timings_ms": Timings(photo=9, features=9, scoring=9, boxes=9, total=9),
        "features": {**ANSWER["features"], "cache": "memory"},
        "request_id": "another",
    }
    # THEN what lines keep of them is equal, and names the models
    kept = answer_kept(first)
    assert kept == answer_kept(second)
    assert models_of(kept) == {"faunalens": "71d949d78aae", "birds": "0123456789ab"}


def test_a_line_is_one_line_of_json_and_reads_back() -> None:
    answer, then = answer_kept(ANSWER), "2026-03-01T05:12:44+00:00"
    line = Line(photo="s3://b/inbox/é\n.jpg", hash="00", status="identified", answer=answer, identified=then)
    assert line.text.count("\n") == 1
    assert json.loads(line.text)["answer"]["prediction"]["name"] == "koala"
    assert (Line.parse(line.text).photo, Line.parse(line.text).text) == (line.photo, line.text)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"photo": "s3://b/k"}', '{"unknown": 1}'])
def test_what_is_no_line_is_refused(text: str) -> None:
    with pytest.raises((ValueError, TypeError)):
        Line.parse(text)
