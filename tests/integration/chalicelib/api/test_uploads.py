"""A photo uploaded to S3, over real HTTP: the form, the bucket (moto), the response."""

import json
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
import requests

from faunalens.engines.place import EXIF
from faunalens.engines.remote import LARGEST_BODY, RemoteEngine
from local.stack.valkey import ValkeyServer
from tests.integration.conftest import Served, serve
from tests.support.aws import Account, account
from tests.support.pictures import SYDNEY, exif, jpeg

BUCKET = "faunalens-photos"


@pytest.fixture(scope="module")
def aws() -> Iterator[Account]:
    with account() as running:
        running.client("s3").create_bucket(
            Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": running.environment["AWS_REGION"]}
        )
        yield running


@pytest.fixture(scope="module")
def served(
    aws: Account, tmp_path_factory: pytest.TempPathFactory, loaded_database: str, loaded_valkey: ValkeyServer
) -> Iterator[Served]:
    """The app with a bucket."""
    environment = {"DATABASE_URL": loaded_database, "REDIS_URL": loaded_valkey.url, "PHOTO_BUCKET": BUCKET}
    yield from serve(tmp_path_factory.mktemp("uploads"), environment | aws.environment)


def test_a_photo_goes_through_the_bucket(served: Served) -> None:
    # GIVEN two forms from the API WHEN a photo is posted with each
    photo = jpeg(exif=exif(SYDNEY))
    first, second = (served.request("POST", "/uploads") for _ in range(2))
    for upload in (first, second):
        assert upload.status == 201, upload.text
        assert_fits(served, "Upload", upload.json)
        form = {**upload.json["fields"], "Content-Type": "image/jpeg"}
        assert requests.post(upload.json["url"], data=form, files={"file": photo}, timeout=10).ok
    # THEN one is identified like a photo in a request
    reply = served.request("POST", first.json["identify_url"], {"top": "3"})
    assert reply.status == 200, reply.text
    assert_fits(served, "Answer", reply.json)
    assert reply.json["location"]["source"] == "exif"
    assert reply.json["candidates"] == served.identify(photo, {"top": "3"}).json["candidates"]
    # AND with the other there is one answer for both
    reply = served.request("POST", first.json["identify_url"], {"also": second.json["id"]})
    assert (reply.status, len(reply.json["photos"])) == (200, 2), reply.text
    many = ",".join(["nothing"] * 5)
    assert served.request("POST", first.json["identify_url"], {"also": many}).json["code"] == "bad_request"


def test_an_id_without_a_photo_is_a_problem(served: Served) -> None:
    upload = served.request("POST", "/uploads").json
    for path in (upload["identify_url"], "/uploads/nothing/identify"):
        reply = served.request("POST", path)
        assert (reply.status, reply.json["code"]) == (404, "upload_missing")
        assert_fits(served, "Problem", reply.json)


def assert_fits(served: Served, name: str, body: Any) -> None:
    """Check a body against a schema of the OpenAPI document."""
    contract = served.request("GET", "/openapi.json").json
    schema = {"$ref": f"#/components/schemas/{name}", "components": contract["components"]}
    jsonschema.Draft202012Validator(schema).validate(body)


def test_the_command_sends_large_photos_through_the_bucket(served: Served) -> None:
    # GIVEN a photo that is too large for a request
    photo = jpeg(exif=exif(SYDNEY)) + bytes(LARGEST_BODY)
    # WHEN the command has it identified by the service THEN the answer is that to a request with it
    engine = RemoteEngine(f"http://127.0.0.1:{served.port}", "", top=3, most=2)
    found = json.loads(engine.identify(photo, EXIF).answer)
    assert found["candidates"] == served.identify(photo, {"top": "3"}).json["candidates"]
    assert (found["location"]["source"], found["features"]["mode"]) == ("exif", "narrowed")
