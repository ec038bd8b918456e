"""A small package for tests of containers, which start in 30 ms: two zips and a few handlers."""

import zipfile
from pathlib import Path

from infra.package import Package
from local.lambda_sim.container import FunctionLimits

HANDLERS = '''
import os, sys, time
from pathlib import Path
import layered

held = []
calls = 0


def echo(event, context):
    global calls
    calls += 1
    return {
        "event": event,
        "calls": calls,
        "pid": os.getpid(),
        "request_id": context.aws_request_id,
        "arn": context.invoked_function_arn,
        "left_ms": context.get_remaining_time_in_millis(),
        "environment": dict(os.environ),
        "path": sys.path,
        "layer": layered.FROM,
        "rights": Path("/proc/self/status").read_text().partition("CapEff:")[2].split()[0],
    }


def fail(event, context):
    raise ValueError("as asked")


def leave(event, context):
    print("about to leave", flush=True)
    os._exit(event["code"])


def grow(event, context):
    for _ in range(event["mb"]):
        held.append(b"x" * 2**20)
    return {"held": len(held)}


def sleep(event, context):
    time.sleep(event["seconds"])
    return {"slept": event["seconds"]}


def large(event, context):
    return "x" * event["bytes"]


def look(event, context):
    """Which modules can be imported, which files are there, and which folders can be written to."""
    import importlib.util

    return {
        "modules": [name for name in event["modules"] if importlib.util.find_spec(name)],
        "files": [path for path in event["files"] if os.path.exists(path)],
        "writable": [path for path in event["folders"] if os.access(path, os.W_OK)],
    }
'''


def build(folder: Path) -> Package:
    """Write the package's zips to a folder."""
    function, layer = folder / "function.zip", folder / "layer.zip"
    with zipfile.ZipFile(function, "w") as archive:
        archive.writestr("toy.py", HANDLERS)
        archive.writestr("broken.py", "import nothing_of_this_name")
    with zipfile.ZipFile(layer, "w") as archive:
        archive.writestr("python/lib/python3.13/site-packages/layered.py", "FROM = 'the layer'")
    return Package(function, layer, folder / "none.json")


def function(handler: str, *, memory: int = 256, timeout: float = 10.0, concurrency: int = 2) -> FunctionLimits:
    """Return the configuration of a function with one of the handlers."""
    environment = {"GREETING": "hello", "A_PATH": "/opt/x:/var/task"}
    return FunctionLimits("toys", handler, memory, timeout, environment, concurrency)
