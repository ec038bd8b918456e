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
    where = {"name": bucket, "ownerIdentity": {"principalId": "A3NL1KOZZKExample"}, "arn": f"arn:aws:s3:::{bucket}"}
    record = {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": "eu-west-1",
        "eventTime": "2026-03-01T05:12:44.123Z",
        "eventName": "ObjectCreated:Put",
        "userIdentity": {"principalId": "AWS:AIDAJDPLRKLG7UEXAMPLE"},
        "requestParameters": {"sourceIPAddress": "192.0.2.1"},
        "responseElements": {"x-amz-request-id": "C3D13FE58DE4C810", "x-amz-id-2": "FMyUVURIY8/IgAtTv8xRjskZ"},
        "s3": {"s3SchemaVersion": "1.0", "configurationId": "inbox", "bucket": where, "object": stored},
    }
    return {"Records": [record]}


def sqs_event(bodies: Iterable[dict[str, Any]], received: int = 1) -> dict[str, Any]:
    """Return what Lambda hands over of a queue. `received`: which attempt it is."""
    attributes = {
        "ApproximateReceiveCount": str(received),
        "SentTimestamp": "1772341964123",
        "SenderId": "AROA5SAMPLE:S3-PROD",
        "ApproximateFirstReceiveTimestamp": "1772341964500",
    }
    common = {
        "receiptHandle": "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a...",
        "attributes": attributes,
        "messageAttributes": {},
        "md5OfBody": "e4e68fb7bd0e697a0ae8f1bb342846b3",
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:eu-west-1:123456789012:faunalens-dev-inbox",
        "awsRegion": "eu-west-1",
    }
    records = [
        {"messageId": f"059f36b4-87a3-44ab-83d2-{number:012}", "body": json.dumps(body), **common}
        for number, body in enumerate(bodies)
    ]
    return {"Records": records}


def map_event(items: Iterable[dict[str, Any]], results: str, attempt: int = 0) -> dict[str, Any]:
    """Return a batch of a Distributed Map. `results`: where lines go, `s3://BUCKET/PREFIX/`."""
    return {"BatchInput": {"results": results, "run": "test"}, "Attempt": attempt, "Items": [*items]}
