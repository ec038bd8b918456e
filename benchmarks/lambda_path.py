"""The cost that Lambda's runtime adds to a start and to a request: `python -m benchmarks.lambda_path`.

The real package runs as in `make lambda` (docs/how-to/lambda.md): awslambdaric calls the app, the code at /var/task and
/opt is read-only, and the only bytecode is that of the package.

Initialisation is measured in fresh processes, from the start of Python until the runtime asks for an event. It is
compared with the "bare work": to import onnxruntime from the same package and to open one session of the same model,
with the app's thread settings.

The warm path identifies one photo of 1 MB in a frozen container. The time is that from the event, which thaws the
container, to the answer. It is compared with the time of another container, whose handler only decodes the base64 and
calls `identify`. Neither container uses Redis or PostgreSQL, because the cell is in memory. The last two rows divide
the overhead into two parts: awslambdaric, which receives and parses 1.3 MB of JSON, and the app's code around
`identify`.
"""

import json
import os
import subprocess
import tempfile
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.backends import backends
from benchmarks.baseline import session_program
from benchmarks.measure import parser, ratio, table, verdict
from benchmarks.start import APP, BARE, DEFAULT_THREADS, without_default_threads
from infra.package import build
from local.lambda_sim.container import Container
from local.lambda_sim.deployment import APPLICATION
from local.lambda_sim.events import ApiRequest, proxy_event
from local.lambda_sim.function import API, FunctionLimits, read_functions
from local.lambda_sim.sandbox import Sandbox, unpacked
from testing.pictures import encoded, noise

INIT_LIMIT, OVERHEAD_LIMIT_MS = 1.35, 3.0
STAGE = "dev"
TAIL = "\nimport time\nprint('DONE', time.monotonic(), flush=True)\nos._exit(0)"
RUNTIME = "import awslambdaric.__main__\n"
MODEL = "os.environ['LAMBDA_TASK_ROOT'] + '/model/faunalens.onnx'"
APP_ON_LAMBDA, BARE_ON_LAMBDA = f"{APP} under awslambdaric", "awslambdaric's imports and bare work"
PROGRAMS = {
    BARE: session_program(MODEL),
    DEFAULT_THREADS: session_program(MODEL, default_threads=True),
    "awslambdaric's imports": RUNTIME,
    BARE_ON_LAMBDA: RUNTIME + session_program(MODEL),
}
IDENTIFY = """
import base64
from time import perf_counter
import app
from chalicelib.api.parameters import read_identify_params
from chalicelib.identify import identify
from chalicelib.telemetry.record import Record

services = app.application.services()

def handler(event, context):
    began = perf_counter()
    photo = base64.b64decode(event["body"])
    decoded = perf_counter()
    params = read_identify_params({"lat": ["-33.9"], "lon": ["151.2"]}, {})
    identify([photo], params, services, Record("r", "/identify"))
    return [decoded - began, perf_counter() - decoded]
"""


def init_table(sandbox: Sandbox, function: FunctionLimits, rounds: int, folder: Path) -> str:
    """Return the table of initialisation times. The programs take turns; the first round warms the disk cache."""
    times: dict[str, list[float]] = {name: [] for name in (*PROGRAMS, APP_ON_LAMBDA)}
    for _ in range(rounds + 1):
        for name, program in PROGRAMS.items():
            times[name].append(_run(sandbox, function, program))
        with Container(function, sandbox, "init", folder / "init.log") as container:
            container.invoke(b"{}")  # the first event starts the container
            assert container.init is not None, "the app did not start"
            times[APP_ON_LAMBDA].append(container.init / 1e3)
    times = {name: taken[1:] for name, taken in times.items()}
    title, limits = f"initialisation, median of {rounds}", {APP_ON_LAMBDA: INIT_LIMIT}
    return (
        f"{without_default_threads(title, times, limits)} "
        f"With awslambdaric in the bare work, the ratio is {ratio(times, APP_ON_LAMBDA, BARE_ON_LAMBDA):.2f}."
    )


def _run(sandbox: Sandbox, function: FunctionLimits, program: str) -> float:
    """Return the seconds from the start of Python in the sandbox to the end of a program."""
    head = f"import os, sys\nsite = {sandbox.site_packages!r}\nsys.path[:0] = [os.environ['LAMBDA_TASK_ROOT'], site]\n"
    command = sandbox.command(function.environment, ["-c", head + program + TAIL])
    done = subprocess.run(command, check=True, capture_output=True, text=True, env={"PATH": os.defpath})
    moments = dict(line.split()[:2] for line in done.stdout.splitlines() if line.startswith(("INIT_START", "DONE")))
    return float(moments["DONE"]) - float(moments["INIT_START"])


def warm_table(sandbox: Sandbox, function: FunctionLimits, rounds: int, folder: Path) -> str:
    """Return the table of the times of one photo in warm containers, which take turns."""
    photo = encoded(noise(2304, 1728), "JPEG", quality=85)
    request = ApiRequest("POST", "/identify?lat=-33.9&lon=151.2", [("Content-Type", "image/jpeg")], photo, "127.0.0.1")
    event = json.dumps(proxy_event(request, "/identify", {}, STAGE, ["image/jpeg"], "r", "Root=1")).encode()
    identify_function = replace(function, handler="identify_handler.handler")
    idle_function = replace(function, handler="operator.is_")  # takes event and context and returns false
    rows = []
    with (
        Container(function, sandbox, "warm", folder / "warm.log") as container,
        Container(identify_function, sandbox, "identify", folder / "identify.log") as bare,
        Container(idle_function, sandbox, "loop", folder / "loop.log") as loop,
    ):
        for _ in range(rounds + 5):
            answer, empty = container.invoke(event), loop.invoke(event)
            assert (answer.error, empty.payload) == (None, b"false"), (answer, empty)
            decoding, identifying = json.loads(bare.invoke(event).payload)
            body = json.loads(json.loads(answer.payload)["body"])
            inside = body["timings_ms"]["total"]  # counts `identify`, and base64 before it
            rest = answer.latency - inside - empty.latency
            rows.append((answer.latency, identifying * 1e3, decoding * 1e3, empty.latency, rest))
    whole, alone, decoded, idle, rest = np.median(rows[5:], axis=0)
    overhead = whole - alone - decoded
    parts = {
        "Lambda's path, from event to answer": whole,
        "only `identify`": alone,
        "only base64": decoded,
        "overhead: the path without these two": overhead,
        "… an event whose handler does nothing": idle,
        "… Chalice, JSON and metrics": rest,
    }
    title = f"one {len(photo) / 1e6:.1f} MB JPEG, warm, median of {rounds}"
    return (
        table([[name, f"{taken:.2f} ms"] for name, taken in parts.items()], [title, "time"])
        + f"\n\nTarget: an overhead under {OVERHEAD_LIMIT_MS:.0f} ms; found: {overhead:.2f} ms "
        f"({verdict(overhead < OVERHEAD_LIMIT_MS)})."
    )


def main() -> None:
    """Print the times of initialisation and of a request in containers of the package."""
    options = parser(__doc__, 10, "fresh processes of each kind")
    options.add_argument("--photos", type=int, default=40, help="number of photos (default: %(default)s)")
    arguments = options.parse_args()
    with backends() as environment, tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        package = build(folder / "package", STAGE, quiet=True)
        with zipfile.ZipFile(package.function, "a") as code:
            code.writestr("identify_handler.py", IDENTIFY)
        with unpacked(package, folder / "lambda") as sandbox:
            print(f"Isolation of the containers: {sandbox.isolation}.\n")
            function = read_functions(json.loads(package.template.read_text()), APPLICATION, STAGE)[API]
            urls = {name: environment[name] for name in ("DATABASE_URL", "REDIS_URL")}
            function = replace(function, environment={**function.environment, **urls})
            print(init_table(sandbox, function, arguments.rounds, folder), end="\n\n", flush=True)
            print(warm_table(sandbox, function, arguments.photos, folder), flush=True)


if __name__ == "__main__":
    main()
