"""Results are kept for 30 days, hidden behind their ids, and deleted by their tokens. On a folder, and on S3 (moto)."""

import errno
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from threading import Event
from time import time
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from chalicelib.api.http import Request
from chalicelib.config.stores import Budget
from chalicelib.errors import Forbidden, NotFound, Unavailable
from chalicelib.stores.objects import connect
from chalicelib.telemetry.record import Record
from faunalens.web.results.results import LIFETIME, Receipt, Results
from faunalens.web.results.routes import with_results
from faunalens.web.results.stores import DAY, FOLDER, BucketStore, File, FolderStore, Quota, Store

BUCKET, REGION = "faunalens-results", "eu-west-1"
BUDGET = Budget(connect=5.0, command=10.0, total=30.0)
ANSWER = {"message": "a koala", "request_id": "r-1", "timings_ms": {"total": 3.0}}
START = datetime(2026, 11, 1, 12, tzinfo=UTC)


def roomy() -> Quota:
    return Quota(10**9, 10**6)


def no_picture() -> None:
    return None


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        client = boto3.client("s3", REGION)
        client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        yield client


@pytest.fixture(params=["folder", "bucket"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "folder":
        return FolderStore(tmp_path / "results", LIFETIME.total_seconds(), roomy())
    request.getfixturevalue("s3")
    return BucketStore(BUCKET, REGION, BUDGET, roomy())


@pytest.fixture
def clock() -> SimpleNamespace:
    """A clock that a test sets."""
    return SimpleNamespace(now=START)


@pytest.fixture
def results(store: Store, clock: SimpleNamespace) -> Results:
    return Results(store, lambda: clock.now)


def test_a_result_is_found_by_its_id_and_ids_and_tokens_are_random(results: Results) -> None:
    # WHEN an answer is kept with a picture
    receipt = results.keep(ANSWER, lambda: b"a picture")
    # THEN both are found, without what is about the request
    found = results.find(receipt.id)
    assert (found.answer, found.created, found.expires) == ({"message": "a koala"}, START, receipt.expires)
    assert (results.picture(receipt.id), receipt.expires) == (b"a picture", START + timedelta(days=30))
    # AND without a picture there is none
    receipt, *others = (results.keep(ANSWER, no_picture) for _ in range(20))
    assert not results.find(receipt.id).has_picture
    with pytest.raises(NotFound, match="no picture"):
        results.picture(receipt.id)
    # AND ids and tokens have 128 bits
    words = {word for each in (receipt, *others) for word in (each.id, each.token)}
    assert (len(words), {len(word) for word in words}) == (40, {22})
    # AND no other id is found
    for name in ("", "x", "A" * 22, "A" * 23, "../../etc/passwd", "%2e%2e", "a/b", "\0" * 22):
        for read in (results.find, results.picture):
            with pytest.raises(NotFound):
                read(name)


def test_after_30_days_it_is_gone_even_if_the_store_still_has_it(
    results: Results, clock: SimpleNamespace, store: Store
) -> None:
    receipt = results.keep(ANSWER, lambda: b"a picture")
    clock.now = START + LIFETIME - timedelta(seconds=1)
    results.find(receipt.id)
    clock.now = START + LIFETIME
    for read in (results.find, results.picture):
        with pytest.raises(NotFound, match="30 days"):
            read(receipt.id)
    # AND reading it has deleted both files
    assert (store.get(f"{receipt.id}.json"), store.get(f"{receipt.id}.jpg")) == (None, None)


def test_a_folder_is_private_and_swept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN a folder with an old file
    folder = tmp_path / "results"
    FolderStore(folder, 60.0, roomy()).put("old.json", b"{}", "application/json")
    (folder / "old.json").touch()
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "old.json").stat().st_mode & 0o777 == 0o600
    # WHEN a process starts after its lifetime THEN the old one is gone
    monkeypatch.setattr("faunalens.web.results.stores.time", lambda: (folder / "old.json").stat().st_mtime + 61)
    FolderStore(folder, 60.0, roomy()).sweep()
    assert list(folder.iterdir()) == []


def test_what_was_not_written_whole_is_deleted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN a disk that is full WHEN a file is written THEN nothing of it is left
    store = FolderStore(tmp_path, 60.0, roomy())
    with monkeypatch.context() as full:
        full.setattr(Path, "write_bytes", Mock(side_effect=OSError(errno.ENOSPC, "full")))
        with pytest.raises(Unavailable):
            store.put("a.jpg", b"a picture", "image/jpeg")
    assert list(tmp_path.iterdir()) == []
    # GIVEN a process that was killed while it wrote WHEN others sweep later THEN its file is gone too
    with monkeypatch.context() as killed:
        killed.setattr(Path, "replace", Mock(side_effect=KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            store.put("a.jpg", b"a picture", "image/jpeg")
    (left,) = tmp_path.iterdir()
    assert list(store.names()) == []
    monkeypatch.setattr("faunalens.web.results.stores.time", lambda: left.stat().st_mtime + 61)
    store.sweep()
    assert list(tmp_path.iterdir()) == []


def test_a_file_can_be_written_by_two_at_once(tmp_path: Path) -> None:
    store = FolderStore(tmp_path, 60.0, roomy())
    with ThreadPoolExecutor(8) as writers:
        writes = [writers.submit(store.put, "a.json", b"{}" * 1000, "application/json") for _ in range(400)]
    for write in writes:
        write.result()
    assert [each.name for each in tmp_path.iterdir()] == ["a.json"]


@pytest.mark.parametrize("kind", ["folder", "bucket"])
def test_a_store_that_fails_is_unavailable(kind: str, tmp_path: Path, s3: Any) -> None:
    # GIVEN a file where the folder should be, and a bucket that is gone
    (tmp_path / "file").touch()
    s3.delete_bucket(Bucket=BUCKET)
    folder, bucket = FolderStore(tmp_path / "file", 60.0, roomy()), BucketStore(BUCKET, REGION, BUDGET, roomy())
    store: Store = folder if kind == "folder" else bucket
    uses: list[Callable[[], object]] = [
        lambda: store.put("a.json", b"{}", "application/json"),
        lambda: store.get("a.json"),
        lambda: store.delete("a.json"),
        lambda: list(Results(store).corrections()),
    ]
    for use in uses:
        with pytest.raises(Unavailable):
            use()


def test_corrections_that_may_not_be_read_are_an_error_and_not_none(s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN an operator who may list the bucket, but not read it
    results = Results(BucketStore(BUCKET, REGION, BUDGET, roomy()))
    receipt = results.keep(ANSWER, lambda: b"a picture")
    results.correct(receipt.id, receipt.token, "lynx")
    keys = {each["Key"] for each in s3.list_objects_v2(Bucket=BUCKET)["Contents"]}
    assert keys == {f"{FOLDER}{receipt.id}.json", f"{FOLDER}{receipt.id}.jpg"}

    def denied(**_: object) -> None:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": ""}}, "GetObject")

    client = connect(REGION, BUDGET)
    monkeypatch.setattr(client, "get_object", denied)
    monkeypatch.setattr("chalicelib.stores.objects.connect", lambda *_: client)
    results = Results(BucketStore(BUCKET, REGION, BUDGET, roomy()))
    # WHEN corrections are listed THEN "none" would be wrong
    with pytest.raises(Unavailable):
        list(results.corrections())
    # AND for a task, which may not list, S3 says so of what is missing
    with pytest.raises(NotFound):
        results.find(receipt.id)


def test_who_made_it_can_say_what_it_shows_and_delete_it_and_no_one_else(
    results: Results, store: Store, clock: SimpleNamespace
) -> None:
    # GIVEN two results
    named = {"prediction": {"scientific_name": "Felis catus"}, "subject": "animal"}
    unnamed = {"prediction": None, "subject": "none"}
    receipt, other = results.keep(named, lambda: b"a picture"), results.keep(unnamed, no_picture)
    # THEN the store does not know the token, and no other one may change the result
    file = store.get(f"{receipt.id}.json")
    assert file is not None
    assert receipt.token not in file.data.decode()
    for token in ("", "wrong", other.token, receipt.id, "ä"):
        for change in (partial(results.correct, animal="lynx"), results.remove):
            with pytest.raises(Forbidden):
                change(receipt.id, token)
    assert list(results.corrections()) == []
    # WHEN both are corrected, one of them twice THEN the last words count, beside what was answered
    results.correct(receipt.id, receipt.token, "lynx")
    results.correct(receipt.id, receipt.token, "Lynx lynx")
    results.correct(other.id, other.token, "a stick insect")
    assert {(each.result, each.answered, each.animal) for each in results.corrections()} == {
        (receipt.id, "Felis catus", "Lynx lynx"),
        (other.id, "none", "a stick insect"),
    }
    # AND the answer is as it was, and a correction goes with its result
    assert results.find(receipt.id).answer == named
    results.remove(receipt.id, receipt.token)
    assert [each.result for each in results.corrections()] == [other.id]
    assert (store.get(f"{receipt.id}.json"), store.get(f"{receipt.id}.jpg")) == (None, None)
    with pytest.raises(NotFound):
        results.remove(receipt.id, receipt.token)
    clock.now = START + LIFETIME
    assert list(results.corrections()) == []


def test_a_correction_does_not_make_a_result_older_or_younger(tmp_path: Path) -> None:
    # GIVEN a result of which the folder says that it is a day old; S3 counts from the last change
    results = Results(FolderStore(tmp_path, LIFETIME.total_seconds(), roomy()))
    receipt = results.keep(ANSWER, no_picture)
    file, yesterday = tmp_path / f"{receipt.id}.json", time() // 1 - DAY
    os.utime(file, (yesterday, yesterday))
    # WHEN it is corrected THEN it is swept when it would have been
    results.correct(receipt.id, receipt.token, "lynx")
    assert file.stat().st_mtime == yesterday
    assert results.find(receipt.id).expires == receipt.expires


def test_deleting_beside_corrections_leaves_nothing(results: Results, store: Store) -> None:
    # GIVEN people who delete their results while a correction is on its way
    receipts = [results.keep(ANSWER, lambda: b"a picture") for _ in range(10)]
    # WHEN one is corrected by four at once THEN one of them has the last word
    with ThreadPoolExecutor(4) as people:
        asked = [people.submit(results.correct, receipts[0].id, receipts[0].token, f"lynx {n}") for n in range(4)]
    assert [each.exception() for each in asked] == [None] * 4
    assert next(results.corrections()).animal.startswith("lynx ")

    def correct(receipt: Receipt) -> None:
        with suppress(NotFound):
            results.correct(receipt.id, receipt.token, "lynx")

    # WHEN both happen at once, in every order
    with ThreadPoolExecutor(8) as people:
        for number, receipt in enumerate(receipts):
            both = [partial(correct, receipt), partial(results.remove, receipt.id, receipt.token)]
            for each in both if number % 2 else reversed(both):
                people.submit(each)
    # THEN nothing is left
    assert list(store.names()) == []


def test_a_correction_reads_its_result_once(results: Results, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN the route for corrections, and a store that counts how often it is read
    (correction,) = [each for each in with_results([], results, "") if each.path == "/r/{id}/correction"]
    receipt, get, read = results.keep(ANSWER, no_picture), store.get, list[str]()

    def counted(name: str) -> File | None:
        read.append(name)
        return get(name)

    monkeypatch.setattr(store, "get", counted)
    bearer = {"authorization": f"Bearer {receipt.token}"}
    request = Request("1", bearer, path={"id": receipt.id}, body=b'{"animal": "lynx"}')
    app: Any = SimpleNamespace(emit=lambda _: None)
    # WHEN it is called as the server does, with what was authorised before the body arrived
    assert correction.authorize is not None
    request = request._replace(authorized=correction.authorize(request))
    correction.handler(app, request, Record("1", "/r/{id}/correction"))
    assert len(read) == 1
    # THEN a result that was changed meanwhile is read again, and one that was deleted stays so
    correction.handler(app, request, Record("1", "/r/{id}/correction"))
    assert len(read) == 2
    results.remove(receipt.id, receipt.token)
    with pytest.raises(NotFound):
        correction.handler(app, request, Record("1", "/r/{id}/correction"))
    assert list(store.names()) == []


def test_a_delete_that_failed_can_be_repeated(results: Results, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN a store that fails after the first of the two files
    receipt, delete, deleted = results.keep(ANSWER, lambda: b"a picture"), store.delete, list[str]()

    def fails_second(name: str) -> None:
        deleted.append(name)
        if len(deleted) == 2:
            raise Unavailable("the store is gone")
        delete(name)

    monkeypatch.setattr(store, "delete", fails_second)
    with pytest.raises(Unavailable):
        results.remove(receipt.id, receipt.token)
    # WHEN the person tries again THEN the token still counts, and all is gone
    results.remove(receipt.id, receipt.token)
    assert list(store.names()) == []


@pytest.mark.parametrize("quota", [Quota(10, 100), Quota(10**9, 2)], ids=["bytes", "files"])
def test_when_there_is_no_room_no_picture_is_made(tmp_path: Path, quota: Quota) -> None:
    results = Results(FolderStore(tmp_path, 60.0, quota))
    results.keep(ANSWER, lambda: b"a picture")
    with pytest.raises(Unavailable, match="no more results"):
        results.keep(ANSWER, lambda: pytest.fail("a picture for nothing"))
    # AND another process finds what is there
    with pytest.raises(Unavailable, match="no more results"):
        Results(FolderStore(tmp_path, 60.0, quota)).keep(ANSWER, no_picture)

    # AND a disk that is nearly full keeps its rest
    with pytest.raises(Unavailable, match="disk space"):
        Results(FolderStore(tmp_path, 60.0, roomy(), least_free=10**18)).keep(ANSWER, no_picture)


@pytest.mark.usefixtures("s3")
def test_a_task_keeps_so_much_in_a_day(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1e9
    monkeypatch.setattr("faunalens.web.results.stores.time", lambda: now)
    results = Results(BucketStore(BUCKET, REGION, BUDGET, Quota(10**9, 1)))
    results.keep(ANSWER, no_picture)
    with pytest.raises(Unavailable):
        results.keep(ANSWER, no_picture)
    now += DAY
    results.keep(ANSWER, no_picture)


def test_a_result_that_s3_sends_too_slowly_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = Event()
    slow = SimpleNamespace(get_object=lambda **_: ended.wait(5))
    monkeypatch.setattr("chalicelib.stores.objects.connect", lambda *_: slow)
    with pytest.raises(Unavailable):
        BucketStore(BUCKET, REGION, replace(BUDGET, total=0.2), roomy()).get("a.json")
    assert not ended.is_set()
    ended.set()
