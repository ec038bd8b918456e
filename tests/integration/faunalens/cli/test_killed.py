"""A run that is killed, at any moment, loses nothing and does nothing twice."""

import json
import random
import signal
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import islice
from pathlib import Path
from threading import Event, Thread

from tests.integration.faunalens.cli.conftest import Command, Run, photos_in
from tests.support.studies import answer, write_study

PLACE = ("--lat", "-33.9", "--lon", "151.2")


def states(results: Path) -> Counter[str]:
    return Counter(row["state"] for row in photos_in(results).values())


def test_kills_lose_no_photo_and_do_none_twice(faunalens: Command, run: Run, card: Path, tmp_path: Path) -> None:
    # GIVEN a run whose answers are printed as soon as they are kept
    results, random_number = tmp_path / "study.db", random.Random(7)
    arguments = ("identify", card, "--results", results, *PLACE, "--json")
    printed: list[str] = []
    kills = 0
    # WHEN it is killed some photos after each start, until a run comes to its end
    while True:
        with faunalens(*arguments) as process:
            assert process.stdout
            printed += islice(process.stdout, random_number.randint(3, 15))
            time.sleep(random_number.uniform(0, 0.03))
            process.send_signal(signal.SIGKILL)
            printed += process.stdout.read().splitlines(keepends=True)
        if process.returncode == 0:
            break
        kills += 1
        # THEN what was printed is in the file
        assert states(results)["done"] >= len(printed)
        if states(results)["new"] == 0:
            break
    assert kills >= 3
    # THEN in the end all are done, none was printed twice, and another run has nothing to do
    whole = [json.loads(line)["path"] for line in printed if line.endswith("\n")]
    assert len(whole) == len(set(whole))
    assert states(results) == {"done": 60}
    last = run(*arguments)
    assert (last.returncode, last.stdout) == (0, "")
    assert "60 photos: 60 with an answer (0 looked at by this run)" in last.stderr


def test_a_full_disk_stops_the_run_and_the_next_one_goes_on(run: Run, card: Path, tmp_path: Path) -> None:
    # GIVEN a limit on the size of files, which fails writes as a full disk does
    results = tmp_path / "study.db"
    arguments = ("identify", card, "--results", results, *PLACE)
    limited = run(*arguments, within=("sh", "-c", 'ulimit -f 128; exec "$@"', "sh"))
    # THEN the run ends with an error that says so
    assert limited.returncode == 1
    assert "is the disk full?" in limited.stderr
    # WHEN there is room again THEN the next one does the rest
    assert run(*arguments).returncode == 0
    assert states(results) == {"done": 60}


def test_a_run_that_waits_for_its_service_stops_at_once(faunalens: Command, card: Path, tmp_path: Path) -> None:
    # GIVEN a service that is overloaded, and so asks for more patience than the test has
    asked = Event()

    class Overloaded(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(503)
            self.send_header("Retry-After", "60")
            self.end_headers()
            asked.set()

    with HTTPServer(("127.0.0.1", 0), Overloaded) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        with faunalens("identify", card, "--results", tmp_path / "study.db", *PLACE, "--url", url) as process:
            assert asked.wait(60)
            # WHEN the run is stopped THEN it ends
            process.send_signal(signal.SIGTERM)
            try:
                _, said = process.communicate(timeout=20)
            finally:
                process.kill()
        server.shutdown()
    assert process.returncode == 130
    assert said.endswith("stopped; run the same command again to continue\n")


def test_an_export_that_is_stopped_leaves_nothing_behind(faunalens: Command, tmp_path: Path) -> None:
    # GIVEN an export that takes a while
    row = answer(("impala", "Aepyceros melampus", "species"))
    write_study(tmp_path / "study.db", [(f"N/{each:05}.JPG", "2026-05-02 06:00:00", row) for each in range(5000)])
    before = {each.name for each in tmp_path.iterdir()}
    with faunalens("export", tmp_path / "study.db", "--csv", tmp_path / "photos.csv") as process:
        while not (tmp_path / ".photos.csv.partial").exists():
            assert process.poll() is None
        # WHEN it is stopped THEN it says so, and no part of a file stays
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert said.endswith("stopped; run the same command again to continue\n")
    assert {each.name for each in tmp_path.iterdir()} == before
