"""Several people review a study, each with a process of their own, while a run identifies more of it."""

import fcntl
import json
import re
import signal
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from sqlite3 import connect
from typing import Any
from urllib.parse import urlsplit

from tests.integration.faunalens.cli.conftest import Command, Run, photos_in

STATIONS = "deploymentID,folder,latitude,longitude\nnorth,N,-33.9,151.2\nsouth,S,-33.8,151.1\n"


class Reviewer:
    """A person with a page of a review."""

    def __init__(self, url: str) -> None:
        self._url = urlsplit(url)

    def ask(self, path: str, **said: Any) -> Any:
        """Return the answer to a request, which is a text if it is refused. `said`: what the page says, if anything."""
        with closing(HTTPConnection(self._url.netloc, timeout=60)) as connection:
            connection.request("POST" if said else "GET", f"{self._url.path}{path}", json.dumps(said) if said else None)
            response = connection.getresponse()
            text = response.read().decode()
            return json.loads(text) if response.status == 200 else f"{response.status}: {text}"


@contextmanager
def reviewing(faunalens: Command, results: Path, *options: str) -> Iterator[Reviewer]:
    """Start a review, and end it with Ctrl-C."""
    with faunalens("review", results, "--no-browser", *options) as process:
        assert process.stderr
        said = process.stderr.readline()
        address = re.search(r"http://\S+", said)
        assert address, said
        try:
            yield Reviewer(address.group())
        finally:
            process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0


def test_two_people_review_while_a_run_identifies(faunalens: Command, run: Run, card: Path, tmp_path: Path) -> None:
    # GIVEN a study of one folder, and a person who reviews it
    results, stations = tmp_path / "study.db", tmp_path / "deployments.csv"
    stations.write_text(STATIONS)
    identify = ("identify", "--root", card, "--results", results, "--deployments", stations)
    assert run(*identify, card / "N").returncode == 0
    with reviewing(faunalens, results, "--reviewer", "A") as one:
        # WHEN a run begins with the rest, and is held up as its output is not read
        with faunalens(*identify, card, "--json") as process:
            assert process.stdout
            if sys.platform == "linux":
                fcntl.fcntl(process.stdout, fcntl.F_SETPIPE_SZ, 4096)
            process.stdout.readline()
            # THEN another person may begin, and what takes photos out may not
            with reviewing(faunalens, results, "--reviewer", "B") as other:
                assert "another run is writing" in run("prune", results).stderr
                mine, theirs = one.ask("queue")["events"][:2]
                # THEN each has an event, and says so to the other
                assert one.ask(f"event/{mine[0]}")["held_by"] is None
                assert other.ask(f"event/{mine[0]}")["held_by"] == "A"
                assert other.ask(f"event/{theirs[0]}")["held_by"] is None
                assert "409: B is reviewing this event" in one.ask("review", photos=theirs, accept=True)
                # WHEN both say something again and again while the run goes on THEN each is kept
                for _ in range(30):
                    for who, event, kind in ((one, mine, "animal"), (other, theirs, "human")):
                        said = {"kind": kind, "typed": "bunyip", "count": 2}
                        (photo,) = who.ask("review", photos=event, observations=[said])["photos"]
                        assert photo["opinions"][0]["observations"][0]["count"] == 2
                    process.stdout.readline()
            # THEN what a reviewer had is free for the other one when the review ends
            assert one.ask(f"event/{theirs[0]}")["held_by"] is None
            process.communicate(timeout=120)
            assert process.returncode == 0
        # THEN a page that is loaded again has what the run added
        assert len({photo for event in one.ask("queue")["events"] for photo in event}) == 58
    with closing(connect(results)) as connection:
        kept = connection.execute("select reviewer, kind, name, count from review order by reviewer").fetchall()
    assert kept == [("A", "animal", "bunyip", 2), ("B", "human", None, 2)]
    assert [row["state"] for row in photos_in(results).values()] == ["done"] * 60
