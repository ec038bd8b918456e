"""The web tier with `INFERENCE=lambda`, on real HTTP: moto is S3 and Lambda, and runs the app in this process."""

import json
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import app
from chalicelib.api.uploads import Uploads
from chalicelib.lazy import Lazy
from chalicelib.services import Services
from local.stack.child_process import ChildProcess
from local.stack.ports import free_port, http_get
from tests.integration.conftest import Served
from tests.support.aws import REGION, Account

BUCKET = "faunalens-photos"
FUNCTION = "faunalens-dev"


@dataclass
class Tier:
    """A running tier. `invoked`: the events that its function got."""

    served: Served
    process: ChildProcess
    aws: Account
    invoked: list[dict[str, Any]]

    def photos(self) -> list[str]:
        """Return the keys of all photos in the bucket."""
        found = self.aws.client("s3").list_objects_v2(Bucket=BUCKET).get("Contents", [])
        return [each["Key"] for each in found]

    def metrics(self) -> list[dict[str, Any]]:
        """Return the lines of metrics of all requests, without those by a further dimension."""
        lines = [json.loads(line) for line in self.served.metrics.read_text(encoding="utf-8").splitlines()]
        return [line for line in lines if "request_id" in line]

    def memory(self, kind: str = "VmHWM") -> float:
        """Return the largest resident memory of the process so far in MB; `VmRSS`: that of now."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        (line,) = (line for line in status.splitlines() if line.startswith(f"{kind}:"))
        return int(line.split()[1]) / 1e3

    def terminate(self) -> None:
        """Send SIGTERM."""
        os.kill(self.process.pid, signal.SIGTERM)


def run_function_here(
    aws: Account, patch: pytest.MonkeyPatch, database_url: str, redis_url: str
) -> list[dict[str, Any]]:
    """Make the account's function run the app of this process. Return the list to which each event is added."""
    invoked: list[dict[str, Any]] = []
    for name, value in aws.environment.items():
        patch.setenv(name, value)
    own = app.application.settings
    own = replace(
        own,
        deployment=replace(own.deployment, region=REGION),
        s3=replace(own.s3, bucket=BUCKET),
        database=replace(own.database, url=database_url),
        redis=replace(own.redis, url=redis_url),
    )
    patch.setattr(app.application, "settings", own)
    patch.setattr(app.application, "_services", Lazy(lambda: Services.build(own)))
    patch.setitem(app.application.__dict__, "uploads", Uploads(own))

    def handle(event: dict[str, Any]) -> Any:
        invoked.append(event)
        return app.app(event, SimpleNamespace())

    aws.functions[FUNCTION] = handle
    aws.client("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    role = aws.client("iam").create_role(RoleName="function", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    aws.client("lambda").create_function(
        FunctionName=FUNCTION, Runtime="python3.13", Role=role, Handler="app.app", Code={"ZipFile": b"not run"}
    )
    return invoked


@contextmanager
def tier(aws: Account, folder: Path, invoked: list[dict[str, Any]], **settings: str) -> Iterator[Tier]:
    """Run the tier until the end of the block. It has no model."""
    environment = {
        "INFERENCE": "lambda",
        "IDENTIFY_FUNCTION": FUNCTION,
        "PHOTO_BUCKET": BUCKET,
        "MODEL_PATH": "/nonexistent/model.onnx",
        "METRICS_FILE": str(folder / "metrics.jsonl"),
        **aws.environment,
        **settings,
    }
    port, log = free_port(), folder / "server.log"
    command = [sys.executable, "-m", "faunalens.web", "--port", str(port)]
    with ChildProcess("the tier", command, log=log, environment={**os.environ, **environment}) as process:
        process.wait_until(lambda: is_ready(port), 30)
        yield Tier(Served(port, folder / "metrics.jsonl", log), process, aws, invoked)


def is_ready(port: int) -> bool:
    """Return whether a server accepts requests."""
    try:
        return http_get(port, "/healthz", 5.0)[0] == 200
    except OSError:
        return False
