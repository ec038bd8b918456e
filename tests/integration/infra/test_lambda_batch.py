"""The batch function of the real package in Lambda's containers: recorded events, kills in between, the same lines."""

import json
import os
import signal
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import pytest

from infra.package import Package
from local.lambda_sim.container import InvocationResult, Pool
from local.lambda_sim.deployment import FunctionLog, deployed
from local.stack.valkey import ValkeyServer
from tests.support.aws import REGION, account
from tests.support.pictures import SYDNEY, exif, jpeg

BUCKET = "faunalens-dev-photos-eu-west-1-123456789012"
PLACES = {"creek": (-19.3, 146.8), "peak": (60.5, 8.2)}


@dataclass(frozen=True, slots=True)
class Rig:
    """The containers of the batch function, an account with its bucket, and the metrics."""

    pool: Pool
    s3: Any
    metrics: Path

    def put(self, key: str, body: bytes, **metadata: str) -> str:
        """Put a photo, and return its ETag."""
        put = self.s3.put_object(Bucket=BUCKET, Key=key, Body=body, Metadata=metadata)
        return str(put["ETag"]).strip('"')

    def invoke(self, event: dict[str, Any]) -> InvocationResult:
        return self.pool.invoke(json.dumps(event).encode())

    def lines(self, prefix: str = "results/") -> dict[str, dict[str, Any]]:
        """Return all lines by object, without the time at which they were made."""
        listed = self.s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", ())
        texts = {each["Key"]: self.s3.get_object(Bucket=BUCKET, Key=each["Key"])["Body"].read() for each in listed}
        assert all(text.count(b"\n") == 1 for text in texts.values())
        return {key: {**json.loads(text), "identified": ""} for key, text in texts.items()}

    def delete(self, prefix: str) -> None:
        for key in self.lines(prefix):
            self.s3.delete_object(Bucket=BUCKET, Key=key)

    def queries(self) -> int:
        """Return the number of queries to PostgreSQL so far."""
        lines = self.metrics.read_text().splitlines() if self.metrics.exists() else []
        return int(sum(json.loads(line).get("queries", 0) for line in lines))


@pytest.fixture(scope="module")
def rig(
    package: Package, tmp_path_factory: pytest.TempPathFactory, loaded_database: str, loaded_valkey: ValkeyServer
) -> Iterator[Rig]:
    """Yield the package with the loaded database, Valkey, and S3 of a simulated account."""
    folder = tmp_path_factory.mktemp("batch")
    environment = {"DATABASE_URL": loaded_database, "REDIS_URL": loaded_valkey.url, "PHOTO_BUCKET": BUCKET}
    with account() as aws, deployed(package, folder, environment) as running:
        aws.client("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        function = running.functions["app.batch"].function
        function = replace(function, environment={**function.environment, "AWS_ENDPOINT_URL": aws.url})
        log, metrics = FunctionLog(folder, folder / "batch.jsonl"), folder / "batch.jsonl"
        with closing(Pool(function, running.sandbox, folder, partial(log.write, function.name))) as pool:
            yield Rig(pool, aws.client("s3"), metrics)


def notification(bucket: str, key: str, etag: str, size: int = 1024) -> dict[str, Any]:
    """Return S3's notification of a new object, after the sample in its documentation.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
    """
    stored = {"key": quote_plus(key, safe="/"), "size": size, "eTag": etag, "sequencer": "0055AED6DCD90281E5"}
    where = {"name": bucket, "arn": f"arn:aws:s3:::{bucket}"}
    record = {"eventVersion": "2.1", "eventSource": "aws:s3", "eventName": "ObjectCreated:Put"}
    return {"Records": [{**record, "s3": {"configurationId": "inbox", "bucket": where, "object": stored}}]}


def sqs_event(bodies: Iterable[dict[str, Any]], received: int = 1) -> dict[str, Any]:
    """Return what Lambda hands over of a queue, after the sample in its guide. `received`: which attempt it is.

    https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html
    """
    common = {
        "receiptHandle": "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a...",
        "attributes": {"ApproximateReceiveCount": str(received), "SentTimestamp": "1772341964123"},
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:eu-west-1:123456789012:faunalens-dev-inbox",
    }
    records = [
        {"messageId": f"059f36b4-87a3-44ab-83d2-{number:012}", "body": json.dumps(body), **common}
        for number, body in enumerate(bodies)
    ]
    return {"Records": records}


def test_kills_in_between_leave_the_same_lines(rig: Rig) -> None:
    # GIVEN recorded messages about eight photos of two stations, one with a position in EXIF, one that is no photo, and
    # one message twice
    etags = {}
    for number in range(6):
        key, name = f"inbox/card 1/IMG_{number}é.jpg", ("creek", "peak")[number % 2]
        latitude, longitude = PLACES[name]
        place = {"station": name, "latitude": str(latitude), "longitude": str(longitude)}
        etags[key] = rig.put(key, jpeg(2400, 1800 + number), **place)
    etags["inbox/gps.jpg"] = rig.put("inbox/gps.jpg", jpeg(exif=exif(SYDNEY)))
    etags["inbox/table.csv"] = rig.put("inbox/table.csv", b"path,species\n")
    bodies = [notification(BUCKET, key, etag) for key, etag in etags.items()]
    bodies.append(bodies[0])
    before = rig.queries()
    # WHEN the process is killed as soon as a line is there, and the messages come again
    with ThreadPoolExecutor(1) as thread:
        answer = thread.submit(rig.invoke, sqs_event(bodies))
        assert _kill_after_a_line(rig, answer)
        assert answer.result(60).error
    result = rig.invoke(sqs_event(bodies, received=2))
    # THEN no message is left
    assert json.loads(result.payload) == {"batchItemFailures": []}
    lines = rig.lines()
    assert sorted(line["photo"] for line in lines.values()) == sorted(f"s3://{BUCKET}/{key}" for key in etags)
    statuses = {line["photo"].rpartition("/")[2]: (line["status"], line["error"]) for line in lines.values()}
    assert statuses.pop("table.csv") == ("unreadable", "unsupported_media_type")
    assert set(statuses.values()) == {("identified", None)}
    # AND each station was asked for once, although the process ended
    assert rig.queries() - before <= 3
    # AND they are the lines of a run without kills
    rig.delete("results/")
    assert json.loads(rig.invoke(sqs_event(bodies)).payload) == {"batchItemFailures": []}
    assert rig.lines() == lines


def _kill_after_a_line(rig: Rig, answer: Future[InvocationResult]) -> bool:
    """Kill the container once there is one line more, unless it answers before. Return whether it was killed."""
    before = _answers(rig)
    while not answer.done():
        if _answers(rig) > before:  # not at the line that a second attempt writes first
            for container in [*rig.pool.busy]:
                os.kill(container.pid, signal.SIGKILL)
                return True
        time.sleep(0.002)
    return False


def _answers(rig: Rig) -> int:
    return sum(line["status"] == "identified" for line in rig.lines().values())
