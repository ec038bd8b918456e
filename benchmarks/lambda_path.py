"""What Lambda's path costs: `python -m benchmarks.lambda_path`.

The real package, unpacked and run as `make lambda` does (docs/how-to/lambda.md): awslambdaric's loop, read-only code at
/var/task and /opt, no bytecode but the package's own.

Initialisation is measured from the start of Python to the first call for an event, in fresh processes. Bare work is
`import onnxruntime` and one session of the same file, from the same package, as both come, and with threads that spin
as little as ours (`python -m benchmarks.threads`). awslambdaric's own imports are shown apart, since they come before
ours and are not ours.

The warm path is one photo of 1 MB, from the event that a frozen container is thawed for to its answer, against
`identify` alone in a process of the same package. The cell is in memory, so neither asks a store. The last
two rows say whose the overhead is: Lambda's loop, which receives 1.3 MB of JSON and reads it, or ours.
"""

import argparse
import base64
import json
import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import IO, NamedTuple

from benchmarks.backends import behind
from benchmarks.baseline import AS_OURS, AS_THEY_COME, session_of
from benchmarks.measure import table
from infra.package import Package, build
from local.lambda_sim.container import Container
from local.lambda_sim.deployment import APPLICATION
from local.lambda_sim.events import Request, proxy_event
from local.lambda_sim.function import API, FunctionConfig, read_functions
from local.lambda_sim.sandbox import Sandbox, unpacked
from testing.pictures import encoded, noise

INIT_LIMIT, OVERHEAD_LIMIT_MS = 1.35, 3.0
STAGE = "dev"
HEAD = """import os, sys
site = {site!r}
sys.path[:0] = [os.environ["LAMBDA_TASK_ROOT"], site]
"""
TAIL = "\nimport time\nprint('DONE', time.monotonic(), flush=True)\nos._exit(0)"
RUNTIME = "import awslambdaric.__main__\n"
BARE = session_of("site + '/model/faunalens.onnx'")
APP = "the app under awslambdaric"
BOTH = "both, threads as ours"
ALONE = """
import base64, json
from time import perf_counter
import app
from chalicelib.api.parameters import read_identify_params
from chalicelib.identify import identify
from chalicelib.telemetry.record import Record

text = sys.stdin.readline()
parts = app.services()
for _ in sys.stdin:
    began = perf_counter()
    photo = base64.b64decode(text)
    decoded = perf_counter()
    identify(photo, read_identify_params({"lat": ["-33.9"], "lon": ["151.2"]}, {}), parts, Record("r", "/identify"))
    print(json.dumps([decoded - began, perf_counter() - decoded]), flush=True)
"""


def init_table(sandbox: Sandbox, function: FunctionConfig, rounds: int, folder: Path) -> str:
    """Initialisation in fresh processes, in turn; the first round only makes the disk's cache warm."""
    head = HEAD.format(site=sandbox.site_packages)
    programs = {name: head + program for name, program in BARE.items()}
    programs |= {
        "awslambdaric's imports": head + RUNTIME,
        BOTH: head + RUNTIME + BARE[AS_OURS],
    }
    times: dict[str, list[float]] = {name: [] for name in (*programs, APP)}
    for _ in range(rounds + 1):
        for name, program in programs.items():
            times[name].append(_start(sandbox, function, program))
        with Container(function, sandbox, "init", folder / "init.log") as container:
            times[APP].append(container.initialise())
    medians = {name: median(taken[1:]) for name, taken in times.items()}
    rows = [[name, f"{taken:.0f} ms", f"{taken / medians[AS_THEY_COME]:.2f}"] for name, taken in medians.items()]
    found, strictly, apart = (medians[APP] / medians[base] for base in (AS_THEY_COME, AS_OURS, BOTH))
    verdict = "ok" if found <= INIT_LIMIT else "over"
    return (
        table([f"initialisation, median of {rounds}", "time", "ratio"], rows)
        + f"\n\nWanted: at most {INIT_LIMIT}; found: {found:.2f} ({verdict}); with threads as ours on both sides: "
        f"{strictly:.2f}; with awslambdaric's imports on both as well: {apart:.2f}."
    )


class Round(NamedTuple):
    """One photo each way, milliseconds."""

    path: float
    """Through the container, from the event to the answer."""
    inside: float
    """Of it, what the app counts: `identify`, and base64 before it."""
    loop: float
    """The same event through a container whose handler does nothing."""
    alone: float
    """`identify` in a process of its own."""
    base64: float


def warm_table(sandbox: Sandbox, function: FunctionConfig, rounds: int, folder: Path) -> str:
    """One photo through a warm container, and through `identify` alone, in turn."""
    photo = encoded(noise(2304, 1728), "JPEG", quality=85)
    request = Request("POST", "/identify?lat=-33.9&lon=151.2", [("Content-Type", "image/jpeg")], photo, "127.0.0.1")
    event = json.dumps(proxy_event(request, "/identify", {}, STAGE, ["image/jpeg"], "r", "Root=1")).encode()
    nothing = replace(function, handler="operator.is_")  # takes event and context, and says false
    with (
        Container(function, sandbox, "warm", folder / "warm.log") as container,
        Container(nothing, sandbox, "loop", folder / "loop.log") as loop,
        _alone(sandbox, function, photo) as ask,
    ):
        taken = [_round(container, loop, ask, event) for _ in range(rounds + 5)][5:]
    whole, base64_alone = median(each.path for each in taken), median(each.base64 for each in taken)
    alone, idle = median(each.alone for each in taken), median(each.loop for each in taken)
    overhead = whole - alone - base64_alone
    ours = median(each.path - each.inside - each.loop for each in taken)
    rows = [
        ["Lambda's path, from event to answer", f"{whole:.2f} ms"],
        ["`identify` alone", f"{alone:.2f} ms"],
        ["base64", f"{base64_alone:.2f} ms"],
        ["overhead besides", f"{overhead:.2f} ms"],
        ["the same event, and a handler that does nothing", f"{idle:.2f} ms"],
        ["what is left for Chalice, JSON and metrics", f"{ours:.2f} ms"],
    ]
    verdict = "ok" if overhead < OVERHEAD_LIMIT_MS else "over"
    return (
        table([f"one {len(photo) / 1e6:.1f} MB JPEG, warm, median of {rounds}", "time"], rows)
        + f"\n\nWanted: under {OVERHEAD_LIMIT_MS:.0f} ms besides base64; found: {overhead:.2f} ms ({verdict})."
    )


def _round(container: Container, loop: Container, ask: "Ask", event: bytes) -> Round:
    through, empty = container.invoke(event), loop.invoke(event)
    assert (through.error, empty.payload) == (None, b"false"), (through, empty)
    returned = json.loads(through.payload)
    assert returned["statusCode"] == 200, returned
    inside = json.loads(returned["body"])["timings_ms"]["total"]
    decoding, alone = ask()
    return Round(through.latency, inside, empty.latency, alone * 1e3, decoding * 1e3)


def _start(sandbox: Sandbox, function: FunctionConfig, program: str) -> float:
    """Milliseconds from the start of Python to the end of a program, as `Container` counts them."""
    command = sandbox.command(function.environment, ["-c", program + TAIL])
    done = subprocess.run(command, check=True, capture_output=True, text=True, env={"PATH": os.defpath})
    words = dict(line.split()[:2] for line in done.stdout.splitlines() if line.startswith(("INIT_START", "DONE")))
    return (float(words["DONE"]) - float(words["INIT_START"])) * 1e3


@contextmanager
def _alone(sandbox: Sandbox, function: FunctionConfig, photo: bytes) -> Iterator["Ask"]:
    """A process of the package that identifies the photo when asked."""
    environment = {**function.environment, "_HANDLER": function.handler}
    command = sandbox.command(environment, ["-c", HEAD.format(site=sandbox.site_packages) + ALONE])
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={"PATH": os.defpath}) as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write(base64.b64encode(photo) + b"\n")
        try:
            process.stdout.readline()  # INIT_START
            yield Ask(process.stdin, process.stdout)
        finally:
            process.kill()


class Ask:
    """Has a photo identified; seconds of its base64 and of the rest."""

    def __init__(self, requests: IO[bytes], answers: IO[bytes]) -> None:
        self._requests, self._answers = requests, answers

    def __call__(self) -> tuple[float, float]:
        self._requests.write(b"\n")
        self._requests.flush()
        decoded, identified = json.loads(self._answers.readline())
        return decoded, identified


def _function(package: Package, settings: Mapping[str, str]) -> FunctionConfig:
    template = json.loads(package.template.read_text())
    function = read_functions(template, APPLICATION, STAGE)[API]
    return replace(function, environment={**function.environment, **settings})


def main() -> None:
    """Build, unpack, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=10, help="fresh processes of each kind (default: 10)")
    parser.add_argument("--photos", type=int, default=40, help="photos each way (default: 40)")
    arguments = parser.parse_args()
    with behind() as environment, tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        package = build(folder / "package", STAGE)
        with unpacked(package, folder / "lambda") as sandbox:
            print(f"Unpacked in a {sandbox.isolation} of its own.\n")
            settings = {name: environment[name] for name in ("DATABASE_URL", "REDIS_URL")}
            function = _function(package, settings)
            print(init_table(sandbox, function, arguments.rounds, folder), end="\n\n", flush=True)
            print(warm_table(sandbox, function, arguments.photos, folder), flush=True)


if __name__ == "__main__":
    main()
