"""Starting: what a fresh process loads, and what it does if something it needs is not there."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from testing.tiny_model import failing_model, write

ALONE = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:9/none", "REDIS_URL": "redis://127.0.0.1:9"}
REQUEST = """
from benchmarks.request import event_of
from testing.pictures import jpeg
import json
print(json.dumps(app.app(event_of(jpeg()), None)))
"""


def run(code: str, **environment: str) -> str:
    """What a fresh process prints last."""
    done = subprocess.run(
        [sys.executable, "-c", f"import sys, app\n{code}"],
        env={**os.environ, **ALONE, "METRICS_FILE": os.devnull, **environment},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return done.stdout.splitlines()[-1]


@pytest.mark.parametrize(("handler", "loaded"), [("app.app", "True"), ("app.warm", "False"), ("", "False")])
def test_only_the_function_behind_the_api_loads_the_model_at_once(handler: str, loaded: str) -> None:
    assert run("print('onnxruntime' in sys.modules)", _HANDLER=handler) == loaded


def test_no_start_imports_what_lambda_does_not_need() -> None:
    assert run("app.services(); print({'boto3', 'botocore', 'aiohttp'} & set(sys.modules))") == "set()"


def test_no_thread_spins_while_the_model_is_loaded() -> None:
    # GIVEN two processors at least, or libraries start no threads; WHEN the function behind the API starts
    told = run("import time; print(time.thread_time(), time.process_time())", _HANDLER="app.app")
    itself, all_of_it = (float(seconds) for seconds in told.split())
    # THEN other threads have hardly run: with the libraries' own settings they take as much again
    assert all_of_it - itself < 0.3 * itself


def test_without_a_model_requests_are_told_and_the_process_lives() -> None:
    # GIVEN a function whose model is not there; WHEN it starts and is asked
    response = json.loads(run(REQUEST, _HANDLER="app.app", MODEL_PATH="nowhere.onnx"))
    # THEN the answer says to come again, and not where anything lies
    problem = json.loads(response["body"])
    assert (response["statusCode"], problem["code"]) == (503, "unavailable")
    assert response["headers"]["Retry-After"] == "30"
    assert "nowhere" not in response["body"]


def test_with_a_model_that_fails_when_it_is_run_the_process_lives(tmp_path: Path) -> None:
    # GIVEN a function whose model is loaded and cannot be run
    model = str(write(tmp_path, failing_model()))
    # WHEN it is asked THEN the answer says to come again, and not what the model said
    response = json.loads(run(REQUEST, _HANDLER="app.app", MODEL_PATH=model))
    assert (response["statusCode"], json.loads(response["body"])["code"]) == (503, "unavailable")
    assert "onnx" not in response["body"]


def test_on_lambda_each_line_of_log_is_written_once() -> None:
    # GIVEN the root logger as Lambda's own runtime client sets it up
    program = "from awslambdaric import bootstrap\nbootstrap._setup_logging('TEXT', '', bootstrap.StandardLogSink())\n"
    # WHEN a request is turned down
    done = subprocess.run(
        [sys.executable, "-c", f"{program}import app\n{REQUEST.replace('jpeg()', 'jpeg()[:9]')}"],
        env={**os.environ, **ALONE, "METRICS_FILE": os.devnull},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    # THEN there is one line about it, of ours
    (line,) = done.stderr.splitlines()
    assert json.loads(line)["code"] == "photo_unreadable"
    assert "turned down" not in done.stdout


def test_metrics_that_cannot_be_written_cost_no_answer() -> None:
    response = json.loads(run(REQUEST, METRICS_FILE="/nonexistent/metrics.jsonl"))
    assert response["statusCode"] == 200
