"""The server of a review: who gets what from it."""

import json
import socket
import stat
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from threading import Thread

import numpy as np
import pytest

from chalicelib.features.cells import cell_of
from cli.__main__ import run
from cli.engines.local import CellFile, write_cells
from cli.results import ResultsFile
from cli.review import ReviewServer, forwarding
from cli.study.reviews import Queue
from cli.study.taxa import numbered
from database.cell_animals import ROW, Cell
from database.dataset import Dataset
from testing.pictures import jpeg
from testing.studies import PHOTOS, write_study

PHOTO = "S/card/IMG_0002.JPG"
SECRET = "../secret.jpg"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ReviewServer]:
    """A server of the made-up study, with a photo that the results file names outside the study's folder."""
    write_study(tmp_path / "study.db", [*PHOTOS, (SECRET, PHOTOS[0][1], PHOTOS[0][2])])
    folder = tmp_path / "Two stations"
    (folder / PHOTO).parent.mkdir(parents=True)
    (folder / PHOTO).write_bytes(jpeg())
    (tmp_path / "secret.jpg").write_bytes(jpeg())
    with (
        ResultsFile(tmp_path / "study.db", write=True) as kept,
        ReviewServer(kept, Queue(kept, "A. Person", drawn=False), folder, 0) as server,
    ):
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def ask(server: ReviewServer, path: str, host: str = "127.0.0.1", said: object = None) -> tuple[int, bytes]:
    """Return status and body of a request below the secret address."""
    connection = HTTPConnection("127.0.0.1", server.server_port, timeout=5)
    method, body = ("GET", None) if said is None else ("POST", json.dumps(said))
    head = {"Host": f"{host}:{server.server_port}"}
    connection.request(method, f"/{server.secret}/{path}", body, head)
    response = connection.getresponse()
    found = response.status, response.read()
    connection.close()
    return found


def number_of(server: ReviewServer, path: str) -> int:
    found: int = {server.queue.path(each): each for each in server.queue.ids}[path]
    return found


@pytest.mark.parametrize(("host", "status"), [("127.0.0.1", 200), ("localhost", 200), ("evil.example", 403)])
def test_this_machine_has_two_names(server: ReviewServer, host: str, status: int) -> None:
    assert ask(server, "queue", host)[0] == status


def test_a_photo_of_the_study_is_shown(server: ReviewServer) -> None:
    assert ask(server, f"picture/{number_of(server, PHOTO)}")[0] == 200


@pytest.mark.parametrize(
    "path", ["picture/../../study.db", "../study.db", "..%2f..%2fstudy.db", "review.py", "picture/"]
)
def test_no_other_file_is_served(server: ReviewServer, path: str) -> None:
    assert ask(server, path)[0] == 404


def test_a_photo_outside_the_studys_folder_is_not_shown(server: ReviewServer) -> None:
    # GIVEN a results file with a path that leads out, and a photo that became a link that does
    link = server.folder / PHOTO
    link.unlink()
    link.symlink_to(server.folder.parent / "secret.jpg")
    # THEN none of them is shown
    for path in (SECRET, PHOTO):
        assert ask(server, f"picture/{number_of(server, path)}")[0] == 404


def test_what_lives_at_the_station_is_said(server: ReviewServer, tmp_path: Path) -> None:
    # GIVEN the cell of a station with a fox and a relative, and another one of which nothing is known
    animals, relatives = numbered()
    fox = next(number for number, latin in animals.items() if latin == "Vulpes vulpes")
    panda = next(number for number, latin in relatives.items() if latin == "Ailurus styani")
    cell = cell_of(-33.9, 151.2)
    rows = np.array([(cell, fox, 1.0, 1)], ROW)
    here = Cell(cell, coast=False, areas=("AU",), relatives=(panda,))
    write_cells(tmp_path / "cells.sqlite", Dataset("v1", cells=[here], cell_animals=[rows], unknown=[]))
    server.cells = CellFile(tmp_path / "cells.sqlite", "v1")
    south, north = (
        json.loads(ask(server, f"photo/{number_of(server, path)}")[1]) for path in (PHOTO, "N/IMG_0001.JPG")
    )
    # THEN they are named with their families, and so are the candidates
    assert {"Vulpes vulpes", "Canidae", "Ailurus styani", "Ailuridae", "Aepyceros melampus", "Bovidae"} <= {
        *south["here"]
    }
    assert {"Panthera leo", "Felidae"} <= {*north["here"]}
    assert "Vulpes vulpes" not in north["here"]


def test_an_idle_connection_stops_nobody(server: ReviewServer) -> None:
    # GIVEN connections that say nothing, as browsers open them in advance
    idle = [socket.create_connection(("127.0.0.1", server.server_port)) for _ in range(3)]
    # THEN the page answers
    assert ask(server, "queue")[0] == 200
    for each in idle:
        each.close()


def test_a_typed_name_is_kept(server: ReviewServer) -> None:
    number = number_of(server, PHOTO)
    status, body = ask(server, "review", said={"id": number, "kind": "animal", "typed": "olingo"})
    assert (status, json.loads(body)["named"]["name"]) == (200, "olingo")


def test_the_page_that_forwards_is_this_users_alone(tmp_path: Path) -> None:
    with forwarding("http://127.0.0.1:1/secret/", tmp_path) as page:
        assert "http://127.0.0.1:1/secret/" in page.read_text(encoding="utf-8")
        assert stat.S_IMODE(page.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == []


def test_a_browser_does_not_get_the_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN a review that ends at once
    def interrupt(_: ReviewServer) -> None:
        raise KeyboardInterrupt

    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    monkeypatch.setattr(ReviewServer, "serve_forever", interrupt)
    monkeypatch.setattr("secrets.token_urlsafe", lambda _: "the-secret")
    write_study(tmp_path / "study.db")
    run(["review", str(tmp_path / "study.db"), "--reviewer", "A"])
    # THEN the browser was given a file
    (address,) = opened
    assert address.startswith("file://")
    assert "the-secret" not in address
