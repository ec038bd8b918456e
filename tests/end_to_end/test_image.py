"""The image of the web tier: really built, twice, and run as a container before the packaged function."""

import json
import os
import re
import shutil
import stat
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from http.client import HTTPConnection
from importlib.util import cache_from_source
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from chalicelib.config.settings import ROOT
from infra.image import Image, build
from infra.package import Package
from local.lambda_sim.container import API
from local.lambda_sim.deployment import read_functions
from local.lambda_sim.pool import Pool
from local.lambda_sim.sandbox import unpacked as unpacked_package
from local.stack.ports import HOST, free_port
from local.stack.valkey import ValkeyServer
from tests.end_to_end.balancing import Balancer
from tests.end_to_end.browsing import Open, photo
from tests.end_to_end.web_image import Container, Root, unpacked
from tests.support.aws import REGION, Account, account
from tests.support.pictures import SYDNEY, exif, jpeg

pytestmark = pytest.mark.alone
"""Before a release and each night: the builds take minutes, and containers that stop have limits in seconds."""

PROGRAMS = ("buildah", "mmdebstrap", "runc")
MISSING = f"images are built and run by {', '.join(PROGRAMS)}, as root; get them: apt-get install {' '.join(PROGRAMS)}"
MOST, MOST_WITH_MODEL = 120e6, 300e6
"""Limits of an image's size in bytes, unpacked."""
MEMORY_WITH_MODEL = 2**30
"""Bytes of memory for the container with the model."""
BUCKET, FUNCTION = "faunalens-photos", "faunalens-dev"
DRAIN = 1.5
"""Seconds for which a container goes on after it has failed its health check: enough for several checks."""
STOP_TIMEOUT = 25.0
"""Seconds within which a container has ended after SIGTERM."""
CLIENTS, SECONDS = 12, 0.5
"""Clients at the same time, and the time that the function takes for each of them."""
NOTICED = 1.0
"""Seconds within which the load balancer sends nothing more to a container that is gone; ten health checks."""
PHOTO = jpeg(exif=exif(SYDNEY))
ANSWER = {"statusCode": 200, "headers": {"Content-Type": "application/json"}, "body": "{}"}


@dataclass(frozen=True, slots=True)
class Built:
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
    """Copy the files that git knows, as a clone with a strict umask has them."""
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.decode()
    for name in filter(None, names.split("\0")):
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, target, follow_symlinks=False)
        if not target.is_symlink():
            target.chmod(0o600)
    return folder


@pytest.fixture(scope="module")
def root(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Root]:
    """The image's files, on which each container runs."""
    with unpacked(built.image.layout, tmp_path_factory.mktemp("container") / "root") as files:
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
def start(root: Root, aws: Account, tmp_path: Path) -> Iterator[Callable[[], Container]]:
    """Starts a container, which runs until the end of the test."""
    settings = {"IDENTIFY_FUNCTION": FUNCTION, "PHOTO_BUCKET": BUCKET, "HTTP_DRAIN_SECONDS": str(DRAIN)}
    with ExitStack() as stack:

        def start_one() -> Container:
            port = free_port()
            return stack.enter_context(Container(root, tmp_path / str(port), port, {**aws.environment, **settings}))

        yield start_one


@pytest.fixture
def slow_function(aws: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """The function takes its time, so that requests are in flight."""

    def handle(_: Any) -> Any:
        time.sleep(SECONDS)
        return ANSWER

    monkeypatch.setitem(aws.functions, FUNCTION, handle)


@pytest.fixture
def lambda_pool(
    package: Package, aws: Account, loaded_database: str, valkey_server: ValkeyServer, tmp_path: Path
) -> Iterator[Pool]:
    """The packaged function in containers as Lambda's, with the account's bucket, a database and a cache."""
    folder = tmp_path / "lambda"
    folder.mkdir()
    function = read_functions(json.loads(package.template.read_text()), "faunalens", "dev")[API]
    stores = {"DATABASE_URL": loaded_database, "REDIS_URL": valkey_server.url, "PHOTO_BUCKET": BUCKET}
    settings = {**function.environment, **aws.environment, **stores}
    with unpacked_package(package, folder / "package") as sandbox:
        pool = Pool(replace(function, environment=settings, concurrency=2), sandbox, folder)
        yield pool
        pool.close()


def test_two_builds_of_the_same_files_are_the_same_image_and_images_are_small(built: Built) -> None:
    assert built.image.digest == built.again.digest != built.with_model.digest
    assert built.image.compressed < built.image.unpacked < MOST
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


def test_a_photo_goes_from_the_browser_through_the_container_to_the_packaged_function(
    start: Callable[[], Container], aws: Account, lambda_pool: Pool, open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN the image's own program in a container, before the function that `make deploy` would upload
    def invoke(event: dict[str, Any]) -> Any:
        return json.loads(lambda_pool.invoke(json.dumps(event).encode()).payload)

    monkeypatch.setitem(aws.functions, FUNCTION, invoke)
    container = start()
    # WHEN the page is shown a photo that was taken in Sydney
    shown = open_page(f"http://{HOST}:{container.port}/")
    shown.set_input_files("#pick", photo())
    # THEN the function answers it
    expect(shown.locator("#where")).to_contain_text("(Australia), from the photo’s GPS data")
    # AND the photo went through the bucket
    (stored,) = aws.client("s3").list_objects_v2(Bucket=BUCKET)["Contents"]
    assert stored["Key"].startswith("uploads/")


def test_the_program_is_not_root_has_no_capabilities_and_writes_nowhere_but_in_its_folder(
    start: Callable[[], Container],
) -> None:
    process = Path("/proc", str(start().pid))
    status = dict(line.split(":", 1) for line in (process / "status").read_text().splitlines())
    assert set(status["Uid"].split() + status["Gid"].split()) == {"10001"}
    assert {int(status[name], 16) for name in ("CapEff", "CapPrm", "CapBnd", "CapAmb")} == {0}
    assert status["NoNewPrivs"].strip() == "1"
    # AND of the folders that something is mounted on, it can write to that of photos on their way alone
    mounts = [line.split() for line in (process / "mounts").read_text().splitlines()]
    folders = {path: Path(f"{process}/root{path}") for _, path, _, options, *_ in mounts if options.startswith("rw")}
    found = {path: folder.stat() for path, folder in folders.items() if folder.is_dir()}
    assert [path for path, each in found.items() if each.st_uid == 10001 or each.st_mode & stat.S_IWOTH] == ["/spool"]


def test_the_image_with_the_model_identifies_by_itself(built: Built, tmp_path: Path) -> None:
    with (
        unpacked(built.with_model.layout, tmp_path / "root") as files,
        Container(files, tmp_path / "container", free_port(), {}, MEMORY_WITH_MODEL) as container,
    ):
        answer = identify(container.port)
    assert answer["features"]["mode"] == "no_location"
    assert {each["name"] for each in answer["model"]["packs"]} <= {"birds", "insects"}


@pytest.mark.usefixtures("slow_function")
def test_a_container_that_is_told_to_stop_under_load_loses_no_request(start: Callable[[], Container]) -> None:
    # GIVEN two containers behind a load balancer, and clients that always have a request in flight at each
    first, second = start(), start()
    balancer = balance(first, second)
    with balancer.load(CLIENTS, PHOTO):
        time.sleep(3 * SECONDS)
        # WHEN one gets SIGTERM
        first.send("TERM")
        stopped = time.monotonic()
        # THEN its health check fails first, while it still takes requests
        time.sleep(DRAIN / 3)
        assert first.health() == 503
        assert identify(first.port) == {}
        # AND it ends by itself in time
        assert first.process.wait(STOP_TIMEOUT) == 0
        time.sleep(2 * SECONDS)
    # AND every request has its answer, also those that were in flight
    assert {each.status for each in balancer.sent} == {200}
    assert [each for each in balancer.sent if each.port == first.port and each.began < stopped < each.ended]
    assert [each for each in balancer.sent if each.port == second.port and each.began > stopped + DRAIN]


@pytest.mark.usefixtures("slow_function")
def test_a_container_that_is_killed_loses_only_what_is_in_flight(start: Callable[[], Container]) -> None:
    first, second = start(), start()
    balancer = balance(first, second)
    with balancer.load(CLIENTS, PHOTO):
        time.sleep(3 * SECONDS)
        # WHEN a container is killed
        first.send("KILL")
        killed = time.monotonic()
        time.sleep(3 * SECONDS)
    # THEN requests are lost that it had, or that came before the next health check, and no others
    lost = [each for each in balancer.sent if each.status != 200]
    assert {(each.port, each.status) for each in lost} == {(first.port, 0)}
    assert max(each.began for each in lost) < killed + NOTICED
    # AND the other container answers from then on
    assert [each for each in balancer.sent if each.began > killed + NOTICED]


def balance(*containers: Container) -> Balancer:
    """Return a load balancer in front of containers."""
    by_port = {each.port: each for each in containers}
    return Balancer(list(by_port), lambda port: by_port[port].health())


def identify(port: int) -> Any:
    """Return the answer to a photo without a place."""
    connection = HTTPConnection(HOST, port, timeout=STOP_TIMEOUT)
    try:
        connection.request("POST", "/identify?location=none", PHOTO, {"Content-Type": "image/jpeg"})
        response = connection.getresponse()
        assert response.status == 200
        return json.loads(response.read())
    finally:
        connection.close()
