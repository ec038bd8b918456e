"""The client that proves claims about a deployed API: against the app itself, and against moto's S3."""

import json
from collections.abc import Iterator

import pytest
from botocore.exceptions import ClientError
from werkzeug import Request, Response
from werkzeug.serving import make_server

from infra import invoke, smoke
from infra.proof import proofs
from infra.proof.proofs import Trial, Undecided
from infra.smoke import fetch, upload
from infra.stage import Stage
from infra.step import PreconditionFailed
from local.stack.ports import serving
from tests.integration.conftest import Served
from tests.support.aws import Account, account
from tests.support.pictures import jpeg


@pytest.fixture
def at_app(served: Served, monkeypatch: pytest.MonkeyPatch) -> Trial:
    """A trial of a stage whose API is the app itself. On AWS the function is invoked for its health."""
    monkeypatch.setattr(Stage, "url", f"http://127.0.0.1:{served.port}/")
    monkeypatch.setattr(invoke, "ask_health", lambda stage, _: json.loads(fetch(f"{stage.url}health?deep=true").body))
    return Trial(Stage("dev", "eu-west-1", None, {}), lambda _: None)


def test_the_app_reads_the_heic_photo_of_the_proof(at_app: Trial) -> None:
    assert proofs.heic(at_app) == "a HEIC photo was identified"


def test_a_photo_that_is_refused_refutes_and_a_package_without_heic_does_not(
    at_app: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    for body, error in ((b"no", PreconditionFailed), (b'{"code": "unsupported_media_type"}', Undecided)):
        monkeypatch.setattr(smoke, "fetch", lambda *_, body=body: smoke.Answer(415, {}, body))
        with pytest.raises(error):
            proofs.heic(at_app)


def test_the_cache_and_the_answers_are_proved_by_the_smoke_test(at_app: Trial, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smoke, "check_upload", lambda *_: None)  # the app has no bucket here; the tests below have one
    assert proofs.cache_sign_in(at_app) == "the health check reaches the cache"
    assert proofs.answers(at_app) == "health, animals, identification and memory as expected"


@pytest.fixture(scope="module")
def aws() -> Iterator[Account]:
    with account() as aws:
        yield aws


@pytest.fixture
def api(aws: Account) -> Iterator[str]:
    """An API that hands out forms of S3, and identifies what was uploaded."""
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="photos", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})

    @Request.application
    def answer(request: Request) -> Response:
        if request.path == "/dev/uploads/one/identify":
            found = s3.get_object(Bucket="photos", Key="uploads/one")
            said = {"type": found["ContentType"], "bytes": len(found["Body"].read())}
            return Response(json.dumps({"message": said, "timings_ms": {"total": 300.0}}))
        wanted = [["starts-with", "$Content-Type", "image/"]]
        form = s3.generate_presigned_post("photos", "uploads/one", Conditions=wanted)
        return Response(json.dumps({**form, "id": "one", "identify_url": "/dev/uploads/one/identify"}))

    with serving(server := make_server("127.0.0.1", 0, answer, threaded=True)):
        yield f"http://127.0.0.1:{server.port}/dev/"


def test_a_photo_goes_through_the_bucket_with_its_type(api: str) -> None:
    # GIVEN an API with a bucket WHEN a photo is uploaded as clients do
    photo, said = jpeg(64, 64), list[str]()
    found = upload(api, photo)
    # THEN it lies in the bucket unchanged, and the URL to identify it is absolute
    assert found.key == "uploads/one"
    assert found.identify_url == f"{api}uploads/one/identify"
    assert json.loads(fetch(found.identify_url, b"").body)["message"] == {"type": "image/jpeg", "bytes": len(photo)}
    # AND so does that of the smoke test
    smoke.check_upload(api, said.append, "")
    stored = {"type": "image/jpeg", "bytes": smoke.PHOTO.stat().st_size}
    assert said == [f"upload    {stored} (300 ms)"]


@pytest.mark.parametrize("proof", ["load_time", "cold_start", "capacity", "pause", "warming", "rights", "stack_time"])
def test_a_proof_asks_aws_in_its_own_terms(proof: str, aws: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN an account without the stage WHEN AWS's own library checks the question THEN it is one that AWS understands
    monkeypatch.setattr(Stage, "client", lambda _, service, **__: aws.client(service))
    with pytest.raises((Undecided, ClientError)):
        proofs.PROOFS[proof](Trial(Stage("dev", "eu-west-1", None, {}), lambda _: None))
