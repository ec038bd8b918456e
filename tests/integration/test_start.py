"""The start of a fresh process: what it loads, and what it does if something is missing."""

import json
import os
import subprocess
import sys

ALONE = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:9/none", "REDIS_URL": "redis://127.0.0.1:9"}
REQUEST = """
from benchmarks.request import event_of
from tests.support.pictures import jpeg
import json
print(json.dumps(app.app(event_of(jpeg()), None)))
"""


def run(code: str, **environment: str) -> str:
    """Run code after `import app` in a fresh process; return its last line of output."""
    done = subprocess.run(
        [sys.executable, "-c", f"import sys, app\n{code}"],
        env={**os.environ, **ALONE, "METRICS_FILE": os.devnull, **environment},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return done.stdout.splitlines()[-1]


def test_a_start_loads_no_model_and_no_unneeded_packages() -> None:
    assert run("print('onnxruntime' in sys.modules)", _HANDLER="app.warm") == "False"
    assert run("app.application.services(); print({'boto3', 'botocore', 'aiohttp'} & set(sys.modules))") == "set()"


def test_the_apis_function_loads_the_model_at_once_and_no_thread_spins_meanwhile() -> None:
    # GIVEN at least two processors, or libraries start no threads; WHEN the API's function starts
    times = "print('onnxruntime' in sys.modules, time.thread_time(), time.process_time())"
    loaded, *output = run(f"import time; {times}", _HANDLER="app.app").split()
    main_thread, process = map(float, output)
    assert loaded == "True"
    # THEN other threads have hardly run; with the libraries' defaults they take as much time as the main thread
    assert process - main_thread < 0.3 * main_thread


def test_without_a_model_requests_get_503_and_the_process_lives() -> None:
    # GIVEN a function whose model is missing; WHEN it gets a request
    response = json.loads(run(REQUEST, _HANDLER="app.app", MODEL_PATH="nowhere.onnx"))
    # THEN the answer says when to retry, and contains no path
    problem = json.loads(response["body"])
    assert (response["statusCode"], problem["code"]) == (503, "unavailable")
    assert response["headers"]["Retry-After"] == "30"
    assert "nowhere" not in response["body"]
