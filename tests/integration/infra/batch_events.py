"""Events of the batch function as AWS sends them, after the samples in its documentation.

https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html, https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
"""

import json
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote_plus


def notification(bucket: str, key: str, etag: str, size: int = 1024) -> dict[str, Any]:
    """Return S3's notification of a new object."""
    stored = {"key": quote_plus(key, safe="/"), "size": size, "eTag": etag, "sequencer": "0055AED6DCD90281E5"}
    where = {"name": bucket, "arn": f"arn:aws:s3:::{bucket}"}
    record = {"eventVersion": "2.1", "eventSource": "aws:s3", "eventName": "ObjectCreated:Put"}
    return {"Records": [{**record, "s3": {"configurationId": "inbox", "bucket": where, "object": stored}}]}


def sqs_event(bodies: Iterable[dict[str, Any]], received: int = 1) -> dict[str, Any]:
    """Return what Lambda hands over of a queue. `received`: which attempt it is."""
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
