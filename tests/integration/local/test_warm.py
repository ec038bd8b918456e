"""`make warm`: the scheduled function, run by hand on real servers."""

import json
import os
import subprocess
import sys
from pathlib import Path

from local.stack import valkey
from local.stack.ports import HOST, free_port


def run(environment: dict[str, str]) -> tuple[int, dict[str, object]]:
    command, variables = [sys.executable, "-m", "local.warm"], {**os.environ, **environment}
    done = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout.splitlines()[-1])


def test_the_second_run_finds_everything_warm(loaded_database: str, tmp_path: Path) -> None:
    with valkey.serve() as cache:
        # GIVEN an empty cache
        metrics = tmp_path / "metrics.jsonl"
        environment = {"DATABASE_URL": loaded_database, "REDIS_URL": cache.url, "METRICS_FILE": str(metrics)}
        # WHEN it runs twice
        first_code, first = run(environment)
        second_code, second = run(environment)
    # THEN the first run fetches the well-known cells in one query, and the second has nothing to do
    assert (first_code, second_code) == (0, 0)
    assert isinstance(first["refreshed"], int)
    assert first["refreshed"] > 100
    assert (first["queries"], first["failed"]) == (1, 0)
    assert (second["queries"], second["refreshed"]) == (0, 0)
    assert second["skipped"] == second["considered"]
    # AND each run writes its metrics
    lines = [json.loads(line) for line in metrics.read_text().splitlines()]
    assert [line["WarmingRefreshed"] for line in lines] == [first["refreshed"], 0]


def test_a_cache_that_is_down_shows_in_the_report_and_the_exit_code(loaded_database: str) -> None:
    environment = {"DATABASE_URL": loaded_database, "REDIS_URL": f"redis://{HOST}:{free_port()}"}
    code, report = run({**environment, "METRICS_FILE": os.devnull})
    assert code == 1
    assert report["faults"] == ["redis_unreachable"]
