"""The runtime's configuration of a container, which is as strict as a task on Fargate."""

import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import cast

from chalicelib.config.settings import ROOT
from tests.end_to_end.web_image import Container, Root, specify
from tests.support.cloudformation import resources

IMAGE = {
    "config": {
        "User": "10001:10001",
        "Env": ["PATH=/bin", "A=image"],
        "Entrypoint": ["python", "-m", "web"],
        "WorkingDir": "/app",
        "Volumes": {"/spool": {}},
    }
}


def test_the_image_says_what_runs_as_whom_and_the_rest_is_read_only() -> None:
    found = specify(IMAGE, Path("/root-of-image"), {"A": "ours"}, 2**29)
    process = found["process"]
    assert (process["args"], process["cwd"], process["user"]) == (
        ["python", "-m", "web"],
        "/app",
        {"uid": 10001, "gid": 10001},
    )
    assert process["env"][-1] == "A=ours"  # the last one counts
    assert (process["capabilities"], process["noNewPrivileges"]) == ({}, True)
    assert found["root"] == {"path": "/root-of-image", "readonly": True}
    (spool,) = (each for each in found["mounts"] if each["destination"] == "/spool")
    assert {"uid=10001", "gid=10001", "mode=0700"} <= set(spool["options"])
    assert not [each for each in found["mounts"] if each["type"] == "none"]  # nothing of this machine


def test_the_limit_of_memory_is_that_of_a_task(tmp_path: Path) -> None:
    # GIVEN the memory of a task in the template
    task = resources("web.yaml", {"Stage": "dev", "WebImage": "made-up"})["Task"]["Properties"]
    # WHEN a container is prepared THEN it has as much
    root = SimpleNamespace(image=json.loads(json.dumps(IMAGE)), path=tmp_path)
    Container(cast("Root", root), tmp_path, 8000, {})
    configuration = json.loads((tmp_path / "config.json").read_text(encoding="utf-8"))
    assert configuration["linux"]["resources"]["memory"]["limit"] == int(task["Memory"]) * 2**20
    # AND it runs as the user of the image
    assert re.search(r"^USER 10001:10001$", (ROOT / "web" / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)
