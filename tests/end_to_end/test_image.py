"""The image of the web tier: really built, twice, and run as a container before a function."""

import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.client import HTTPConnection
from importlib.util import cache_from_source
from pathlib import Path
from threading import Event
from typing import Any, NamedTuple

import pytest

from chalicelib.config.settings import ROOT
from infra.image import Image, build
from local.stack.ports import HOST, free_port
from tests.end_to_end.web_image import Container, Root, unpacked
from tests.support.aws import REGION, Account, account
from tests.support.pictures import SYDNEY, exif, jpeg

pytestmark = pytest.mark.alone
"""Before a release and each night: the builds take minutes, and containers that stop have limits in seconds."""

PROGRAMS = ("buildah", "mmdebstrap", "runc")
MISSING = f"images are built and run by {', '.join(PROGRAMS)}, as root; get them: apt-get install {' '.join(PROGRAMS)}"
MOST, MOST_WITH_MODEL = 120e6, 300e6
"""Limits of an image's size in bytes, unpacked; that without the model has the files for use without signal besides."""
OFFLINE = ROOT / "model" / "offline"
"""The files for use without signal. `make setup` writes them, git does not know them, and each image has them."""
MEMORY_WITH_MODEL = 2**30
"""Bytes of memory for the container with the model."""
BUCKET, FUNCTION = "faunalens-photos", "faunalens-dev"
DRAIN = 1.5
"""Seconds for which a container goes on after it has failed its health check: enough for several checks."""
STOP_TIMEOUT = 25.0
"""Seconds within which a container has ended after SIGTERM."""


PHOTO = jpeg(exif=exif(SYDNEY))
ANSWER = {"statusCode": 200, "headers": {"Content-Type": "application/json"}, "body": "{}"}


class Built(NamedTuple):
    """The image, the image of a copy of this checkout, and the image with the model."""

    image: Image
    again: Image
    with_model: Image


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Three images, built at the same time. Without the programs, CI fails and a machine of ours skips."""
    if os.geteuid() != 0 or not all(map(shutil.which, PROGRAMS)):
        if os.environ.get("CI"):
            pytest.fail(MISSING)
        pytest.skip(MISSING)
    folder = tmp_path_factory.mktemp("images")
    copy = private_copy(folder / "checkout")
    with ThreadPoolExecutor(3) as threads:
        image = threads.submit(build, folder / "image", print)
        again = threads.submit(build, folder / "again", print, project=copy)
        with_model = threads.submit(build, folder / "with-model", print, inference="local")
    return Built(image.result(), again.result(), with_model.result())


def private_copy(folder: Path) -> Path:
    """Copy the files that git knows, and those for use without signal, as a clone with a strict umask has them."""
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.decode()
    made = [path.relative_to(ROOT).as_posix() for path in OFFLINE.glob("*")]
    for name in [*filter(None, names.split("\0")), *made]:
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, target, follow_symlinks=False)
        if not target.is_symlink():
            target.chmod(0o600)
    return folder


@pytest.fixture(scope="module")
def root(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Root]:
    """The image's files, on which each container runs."""
    with unpacked(built.image, tmp_path_factory.mktemp("container") / "root") as files:
        yield files


@pytest.fixture(scope="module")
def aws() -> Iterator[Account]:
    """An account with a bucket for photos, and a function that answers at once."""
    with account() as running:
        location = {"LocationConstraint": REGION}
        running.client("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration=location)
        role = running.client("iam").create_role(RoleName="function", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
        running.client("lambda").create_function(
            FunctionName=FUNCTION, Runtime="python3.13", Role=role, Handler="app.app", Code={"ZipFile": b"not run"}
        )
        running.functions[FUNCTION] = lambda _: ANSWER
        yield running


@pytest.fixture
def container(root: Root, aws: Account, tmp_path: Path) -> Iterator[Container]:
    """The image's program in a container before the function."""
    settings = {"IDENTIFY_FUNCTION": FUNCTION, "PHOTO_BUCKET": BUCKET, "HTTP_DRAIN_SECONDS": str(DRAIN)}
    with Container(root, tmp_path / "container", free_port(), {**aws.environment, **settings}) as running:
        yield running


def test_two_builds_of_the_same_files_are_the_same_image_and_images_are_small(built: Built) -> None:
    assert built.image.digest == built.again.digest != built.with_model.digest
    offline = sum(path.stat().st_size for path in OFFLINE.glob("*"))
    assert built.image.compressed < built.image.unpacked < MOST + offline
    assert built.with_model.compressed < built.with_model.unpacked < MOST_WITH_MODEL


def test_the_image_has_no_shell_and_nothing_of_this_machine(root: Root) -> None:
    # GIVEN all files of the image THEN there is one program to start
    files = [path for path in root.path.rglob("*") if path.is_file() and not path.is_symlink()]
    names = {path.relative_to(root.path).as_posix() for path in files}
    assert {name for name in names if "/bin/" in name} == {"usr/bin/python3.13"}
    assert not {name for name in names if re.search(r"(lib|packages)/.*\b(pip|ensurepip|apt|dpkg)/", name)}
    # AND neither the configuration of pip, nor the path of this checkout, is in it
    assert "etc/pip.conf" not in names
    assert not [path for path in files if str(ROOT).encode() in path.read_bytes()]
    # AND every module has its bytecode, which a read-only file system cannot get later
    assert not {name for name in names if name.endswith(".py") and cache_from_source(name) not in names}


def test_the_image_with_the_model_identifies_by_itself(built: Built, tmp_path: Path) -> None:
    with (
        unpacked(built.with_model, tmp_path / "root") as files,
        Container(files, tmp_path / "container", free_port(), {}, MEMORY_WITH_MODEL) as container,
    ):
        answer = identify(container.port)
    assert answer["features"]["mode"] == "no_location"
    assert {each["name"] for each in answer["model"]["packs"]} <= {"birds", "insects"}


def test_a_container_that_is_told_to_stop_finishes_its_requests(
    container: Container, aws: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN a container, and a function that takes its time
    asked = Event()

    def handle(_: Any) -> Any:
        asked.set()
        time.sleep(DRAIN / 2)  # so that it still works when the health check fails
        return ANSWER

    monkeypatch.setitem(aws.functions, FUNCTION, handle)
    with ThreadPoolExecutor(1) as thread:
        # WHEN it gets SIGTERM while a request is in flight
        answer = thread.submit(identify, container.port)
        assert asked.wait(STOP_TIMEOUT)
        container.send("TERM")
        time.sleep(DRAIN / 3)
        # THEN its health check fails first, while it still takes requests
        assert container.health() == 503
        assert identify(container.port) == answer.result() == {}
    # AND it ends by itself in time
    assert container.process.wait(STOP_TIMEOUT) == 0
    # AND photos went through the bucket
    stored = aws.client("s3").list_objects_v2(Bucket=BUCKET)["Contents"]
    assert {each["Key"].partition("/")[0] for each in stored} == {"uploads"}


def identify(port: int) -> Any:
    """Return the answer to a photo without a place."""
    with closing(HTTPConnection(HOST, port, timeout=STOP_TIMEOUT)) as connection:
        connection.request("POST", "/identify?location=none", PHOTO, {"Content-Type": "image/jpeg"})
        response = connection.getresponse()
        assert response.status == 200
        return json.loads(response.read())
