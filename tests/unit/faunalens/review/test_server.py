"""The server of a review: who gets what from it."""

import io
import json
import socket
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
import urllib3
from PIL import Image

from faunalens.review.queue import Choice
from faunalens.review.server import ReviewServer
from faunalens.study.finding import Observation
from faunalens.study.moved import forget
from faunalens.study.results import ResultsFile
from tests.support.pictures import jpeg
from tests.support.studies import IMPALA, PHOTOS, answer, film, say, serving, write_study
from tests.support.videos import write_video

FIRST, SECOND, BLANK, _, LION, PHOTO, SECRET = range(1, 8)
"""The ids of the photos. The two first are an event, one has no answer, the file of the last but one is there, and the
results file names the last one outside the study's folder."""


@pytest.fixture
def results(tmp_path: Path) -> Iterator[ResultsFile]:
    """The made-up study, and the secret."""
    write_study(tmp_path / "study.db", [*PHOTOS, ("../secret.jpg", *PHOTOS[0][1:])])
    photo = tmp_path / "Two stations" / PHOTOS[PHOTO - 1][0]
    photo.parent.mkdir(parents=True)
    for file in (photo, tmp_path / "secret.jpg"):
        file.write_bytes(jpeg())
    with ResultsFile(tmp_path / "study.db", write=True) as results:
        yield results


@pytest.fixture
def server(results: ResultsFile) -> Iterator[ReviewServer]:
    """A server of that study."""
    with serving(results, Choice(), here=("Ailurus styani",)) as server:
        yield server


def ask(server: ReviewServer, path: str, said: object = None, browser: str = "") -> urllib3.BaseHTTPResponse:
    """Return the answer to a request below the secret address."""
    head = {"Cookie": f"browser={browser}"} if browser else {}
    body = None if said is None else json.dumps(said)
    return urllib3.request("POST" if body else "GET", f"{server.url}{path}", body=body, headers=head, retries=False)


def get(server: ReviewServer, path: str, **more: Any) -> Any:
    """Return the JSON of an answer."""
    response = ask(server, path, **more)
    assert response.status == 200, response.data
    return response.json()


def test_this_machine_has_two_names_and_an_idle_connection_stops_nobody(server: ReviewServer) -> None:
    # GIVEN a connection that says nothing, as browsers open them in advance
    with socket.create_connection(("127.0.0.1", server.server_port)):
        for host, status in {"127.0.0.1": 200, "localhost": 200, "evil.example": 403}.items():
            head = {"Host": f"{host}:{server.server_port}"}
            assert urllib3.request("GET", f"{server.url}queue", headers=head, retries=False).status == status


REQUESTS = {
    "a secret that is no ASCII": ("GET /\xe9\xff/queue HTTP/1.1", b"", b"403"),
    "nested": ("POST /SECRET/review HTTP/1.1", b"[" * 90_000, b"400"),
    "infinite": ("POST /SECRET/review HTTP/1.1", b'{"photos": [1e400]}', b"400"),
    "an unknown method": ("BREW /SECRET/queue HTTP/1.1", b"", b"501"),
    "no address": ("GET //[/SECRET/queue HTTP/1.1", b"", b"403"),
    "cookies of others": ("GET /SECRET/event/1 HTTP/1.1\r\nCookie: (a)=1; browser=x", b"", b"200"),
    "a large number": ("GET /SECRET/event/99999999999999999999 HTTP/1.1", b"", b"404"),
    "a path in the place of a photo": ("GET /SECRET/picture/../../study.db HTTP/1.1", b"", b"400"),
    "no photo": ("GET /SECRET/picture/ HTTP/1.1", b"", b"400"),
    "a written-out path": ("GET /SECRET/..%2f..%2fstudy.db HTTP/1.1", b"", b"404"),
    "too much": ("POST /SECRET/release HTTP/1.1", b"{}" + b" " * 100_000, b"400"),
}


@pytest.mark.parametrize(("head", "body", "status"), REQUESTS.values(), ids=REQUESTS)
def test_no_request_shows_a_stack_trace_or_a_path(
    server: ReviewServer, head: str, body: bytes, status: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    # WHEN a program sends what no browser would
    sent = f"{head.replace('SECRET', server.secret)}\r\nHost: 127.0.0.1:{server.server_port}\r\n"
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=5) as connection:
        connection.sendall(sent.encode("latin-1") + f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
        answer = b"".join(iter(lambda: connection.recv(65_536), b""))
    # THEN it gets an answer, and the terminal stays as it is
    assert answer.split()[1] == status
    assert b"Traceback" not in answer
    assert str(server.folder).encode() not in answer
    assert capfd.readouterr().err == ""


def test_a_photo_outside_the_studys_folder_is_not_shown(server: ReviewServer) -> None:
    # GIVEN a results file with a path that leads out, and a photo that became a link that does
    link = server.folder / PHOTOS[PHOTO - 1][0]
    link.unlink()
    link.symlink_to(server.folder.parent / "secret.jpg")
    # THEN none of them is shown
    assert [ask(server, f"picture/{photo}").status for photo in (SECRET, PHOTO)] == [404, 404]


def test_thumbnails_are_as_small_as_is_asked_or_a_videos_best_frame(tmp_path: Path, server: ReviewServer) -> None:
    small, large = (ask(server, f"picture/{PHOTO}?side={side}").data for side in (40, 99999))
    assert len(small) < len(large)
    assert ask(server, f"picture/{PHOTO}?side=wide").status == 400
    # GIVEN a video of 20 s, whose best frame is at 2 s
    write_study(tmp_path / "film.db", [("N/1.mp4", PHOTOS[0][1], film(answer(IMPALA)))])
    (tmp_path / "Two stations" / "N").mkdir(parents=True)
    dark, light = (Image.new("RGB", (64, 48), (grey,) * 3) for grey in (0, 200))
    write_video(tmp_path / "Two stations" / "N" / "1.mp4", [dark] * 15 + [light] * 10)
    with ResultsFile(tmp_path / "film.db", write=True) as results, serving(results, Choice()) as other:
        with Image.open(io.BytesIO(ask(other, "picture/1").data)) as image:
            assert image.convert("L").getpixel((5, 5)) == pytest.approx(200, abs=5)
        # THEN the page learns when that is
        shown = get(other, "event/1")["photos"][0]["clip"]
    assert (shown["seconds"], shown["duration"]) == (2.0, 20.0)


def test_the_queue_has_events_and_what_can_be_said(server: ReviewServer) -> None:
    found = get(server, "queue")
    assert [FIRST, SECOND] in found["events"]
    assert (found["reviewer"], found["values"]["life_stage"]) == ("A. Person", ["adult", "subadult", "juvenile"])
    assert ["Panthera leo", "lion"] in [each[:2] for each in found["taxa"]]
    # WHEN it is asked for after a review THEN it is a new one
    get(server, "review", said={"photos": [LION], "accept": True})
    assert get(server, "queue")["events"] == [each for each in found["events"] if each != [LION]]


def test_an_event_has_its_photos_and_its_neighbours(server: ReviewServer) -> None:
    event = get(server, f"event/{FIRST}")
    assert [each["id"] for each in event["photos"]] == [FIRST, SECOND]
    first, after = event["photos"][0], event["after"]
    assert (first["path"], first["time"]) == ("N/IMG_0001.JPG", "2026-05-02T06:00:00+03:00")
    assert (first["deployment"], first["width"], first["named"]["name"]) == ("north", 800, "impala")
    assert (first["is_human"], first["opinions"], event["before"]) == (False, [], None)
    facts = [after["id"], after["time"], after["gap_seconds"], *(each["kind"] for each in after["says"])]
    assert facts == [BLANK, "2026-05-02T06:05:00+03:00", 270.0, "blank"]
    # THEN it says that the animal is in one of two events
    assert event["often"] == [1, 2]
    # THEN what lives there is named with its family, and so are the candidates
    assert {"Ailurus styani", "Ailuridae", "Aepyceros melampus", "Bovidae"} <= {*event["here"]}
    # THEN what another reviewer has said is shown
    say(server.session.results, PHOTOS[LION - 1][0], reviewer="B. Other")
    (photo,) = get(server, f"event/{LION}")["photos"]
    assert [each["reviewer"] for each in photo["opinions"]] == ["B. Other"]
    # WHEN the next photo is pruned THEN there is none
    forget(server.session.results, [BLANK])
    assert get(server, f"event/{FIRST}")["after"] is None
    assert [ask(server, f"event/{photo}").status for photo in (BLANK, 99)] == [404, 404]


def test_a_whole_event_is_reviewed_at_once_and_undone(server: ReviewServer) -> None:
    doe = {"kind": "animal", "scientific_name": "Cervidae", "count": 1, "sex": "female", "note": " a  limp "}
    fawns = {"kind": "animal", "typed": "fawns", "count": 2, "life_stage": "juvenile", "behavior": "running"}
    names = ["impala", "antelope, ox or sheep"]  # as the models have it

    def review(**said: Any) -> Any:
        photos = get(server, "review", said={"photos": [FIRST, SECOND], **said})["photos"]
        assert [photo["named"]["name"] for photo in photos] == names
        return [photo["opinions"] for photo in photos]

    for (opinion,) in review(observations=[doe, fawns]):
        assert opinion["reviewer"] == "A. Person"
        shown = [(each["name"], each["count"], each["sex"], each["note"]) for each in opinion["observations"]]
        assert shown == [("deer", 1, "female", "a limp"), ("fawns", 2, None, None)]
    assert review(undo=True) == [[], []]
    assert [each["observations"][0]["name"] for (each,) in review(accept=True)] == names
    assert {(each["taxon"], each["share"]) for each in get(server, "precision")} == {(IMPALA[1], 1), ("Bovidae", 1)}


def test_only_events_of_the_queue_are_drawn(results: ResultsFile) -> None:
    # GIVEN a review of one event that is drawn at random
    with serving(results, Choice("random", most=1)) as server:
        (event,) = get(server, "queue")["events"]
        other = LION if BLANK in event else BLANK
        # WHEN another one is reviewed too, such as one that reviewers disagree about
        for photos in (event, [other]):
            get(server, "review", said={"photos": photos, "accept": True})
    # THEN it does not count for the precision of all photos
    drawn = results.rows("select photo from review where drawn order by photo")
    assert [row["photo"] for row in drawn] == sorted(event)


def test_the_page_is_served_with_its_words_and_each_browser_gets_a_name(server: ReviewServer) -> None:
    page = {"": b"<!doctype html>", "review.js": b"import", "words-zh.json": b"{", "names-de.json": b"{"}
    for path, text in page.items():
        response = ask(server, path)
        assert (response.status, text in response.data) == (200, True), path
    cookies = {ask(server, "", browser=name).headers.get("Set-Cookie") for name in ("", "", "firefox")}
    assert len(cookies) == 3
    assert {"HttpOnly", "SameSite=Strict"} <= {part.strip() for each in cookies if each for part in each.split(";")}


def test_what_is_no_observation_is_refused(server: ReviewServer) -> None:
    unknown = [{"kind": "animal", "scientific_name": "Nullius nemo"}]
    for observations, status in (([], 400), ("nothing", 400), ([{"kind": "ghost"}], 400), (unknown, 404)):
        assert ask(server, "review", said={"photos": [FIRST], "observations": observations}).status == status
    assert get(server, f"event/{FIRST}")["photos"][0]["opinions"] == []


def test_events_are_split_and_merged_or_it_is_said(server: ReviewServer, monkeypatch: pytest.MonkeyPatch) -> None:
    assert get(server, "split", said={"photo": SECOND}) == {"events": [[FIRST], [SECOND]]}
    assert ask(server, "split", said={"photo": SECOND}).status == 400
    assert get(server, "merge", said={"event": SECOND}) == {"events": [[FIRST, SECOND]]}
    assert ask(server, "merge", said={"event": FIRST}).status == 400
    full = Mock(side_effect=sqlite3.OperationalError("database or disk is full"))
    monkeypatch.setattr("faunalens.review.session.save", full)
    response = ask(server, "review", said={"photos": [FIRST], "accept": True})
    assert (response.status, b"database or disk is full" in response.data) == (500, True)


def test_two_browsers_do_not_review_the_same_event(server: ReviewServer) -> None:
    # GIVEN a browser that has an event
    assert get(server, f"event/{FIRST}", browser="firefox")["held_by"] is None
    # THEN another one is told who has it, and cannot change it
    assert get(server, f"event/{FIRST}", browser="chrome")["held_by"] == "A. Person"
    assert get(server, "hold", said={"event": FIRST}, browser="chrome")["held_by"] == "A. Person"
    said = {"photos": [SECOND], "accept": True}
    for path, body in (("review", said), ("split", {"photo": SECOND}), ("merge", {"event": BLANK})):
        response = ask(server, path, said=body, browser="chrome")
        assert (response.status, b"A. Person is reviewing this event" in response.data) == (409, True)
    assert get(server, "hold", said={"event": FIRST}, browser="firefox")["held_by"] is None
    # WHEN it is released THEN the other one gets it
    get(server, "release", said={"event": FIRST}, browser="firefox")
    assert get(server, f"event/{FIRST}", browser="chrome")["held_by"] is None
    assert get(server, "review", said=said, browser="chrome")["photos"]


def test_a_second_opinion_is_blind_until_it_is_there(results: ResultsFile) -> None:
    # GIVEN photos that another person calls something else than the machine
    for path, *_ in PHOTOS[:3]:
        say(results, path, Observation("human"), reviewer="B. Other")
    with serving(results, Choice(of="second")) as server:
        assert [BLANK] in get(server, "queue")["events"]
        # THEN what that was is hidden, of the event before too, until this reviewer has said something
        event = get(server, f"event/{BLANK}")
        assert [(each["is_human"], each["opinions"]) for each in event["photos"]] == [(False, [])]
        assert [each["name"] for each in event["before"]["says"]] == ["impala"]
        (photo,) = get(server, "review", said={"photos": [BLANK], "observations": [{"kind": "blank"}]})["photos"]
        assert {each["reviewer"] for each in photo["opinions"]} == {"A. Person", "B. Other"}
        reviewers = {"reviewers": ["A. Person", "B. Other"], "photos": 1, "kappa": 0.0, "disagreements": [BLANK]}
        assert get(server, "agreement") == reviewers
        # THEN what is held is free when the server ends
        assert list(results.rows("select * from hold"))
    assert list(results.rows("select * from hold")) == []
