"""Results files of made-up studies: two stations in Kenya and Australia, with every kind of outcome."""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from faunalens.engines.place import EXIF, Place
from faunalens.review.queue import Choice
from faunalens.review.server import ReviewServer
from faunalens.review.session import Session
from faunalens.study.finding import Observation, Opinion, of_taxon
from faunalens.study.results import FileFacts, ListedPhoto, Outcome, ResultsFile
from faunalens.study.reviews import save, taxon_chosen
from faunalens.study.study import Study
from local.stack import ports

_COLUMNS = (
    *("deploymentID", "folder", "latitude", "longitude", "coordinateUncertainty", "locationName"),
    *("deploymentStart", "deploymentEnd", "timezone"),
)
_MAY = ("2026-05-01T00:00:00+03:00", "2026-05-31T23:59:59+03:00")
STATIONS: tuple[dict[str, str], ...] = tuple(
    dict(zip(_COLUMNS, row, strict=True))
    for row in (
        ("north", "N", "-1.2345", "36.789", "30", "Water, hole", *_MAY, "Africa/Nairobi"),
        ("south", "S/card", "-33.9", "151.2", "", "", "", "", "+10:00"),
    )
)
IMPALA = ("impala", "Aepyceros melampus", "species")
LION = ("lion", "Panthera leo", "species")
BOVIDS = ("antelope, ox or sheep", "Bovidae", "family")
MAMMAL = ("mammal", "Mammalia", "class")
DEER = ("deer", "Cervidae", "family")
MODEL = {"name": "tiny", "version": "123456789abc"}


def taxon(who: tuple[str, str, str], **more: Any) -> dict[str, Any]:
    """Return a taxon as answers have it. `who`: name, scientific name, rank."""
    return dict(zip(("name", "scientific_name", "rank"), who, strict=True)) | more


def answer(
    named: tuple[str, str, str] | None,
    score: float = 0.9,
    candidates: Iterable[tuple[tuple[str, str, str], float]] = (),
    **more: Any,
) -> str:
    """Return an answer of the API as JSON, with what the command reads of it."""
    listed = list(candidates) or ([(named, score)] if named else [(IMPALA, 0.05), (LION, 0.01)])
    body = {
        "message": f"Most likely: {named[0]}." if named else "No animal was recognised in this photo.",
        "prediction": taxon(named, score=score) if named else None,
        "candidates": [taxon(who, taxon=who[1].lower().replace(" ", "-"), score=share) for who, share in listed],
        "animal_probability": 0.97 if named else 0.1,
        "model": MODEL,
        "features": {"mode": "narrowed"},
    }
    return json.dumps(body | more)


def box(x: float, score: float = 0.9) -> dict[str, float]:
    """Return a box, of which `x` is the left side."""
    return {"x": x, "y": 0.2, "width": 0.25, "height": 0.5, "score": score}


def boxes(*found: dict[str, float]) -> dict[str, Any]:
    return {"count": len(found), "boxes": found}


def animal(x: float, who: tuple[str, str, str] | None, score: float = 0.9) -> dict[str, Any]:
    """Return an animal in a box. `score`: of the box."""
    inside = json.loads(answer(who, 0.8))
    return {"box": box(x, score), "prediction": inside["prediction"], "candidates": inside["candidates"]}


def person(*scores: float) -> dict[str, Any]:
    """Return what an answer about people says. `scores`: of their boxes."""
    return {"subject": "person", "people": boxes(*(box(0.5, score) for score in scores))}


def film(first: str, *others: str) -> str:
    """Return the answer for a video of 20 s, of which these are the answers of the best frames."""
    frames = enumerate(map(json.loads, others), 5)
    also = [{"frame": 30 * number, "seconds": float(number), "answer": each} for number, each in frames]
    video = {"frame": 60, "seconds": 2.0, "fps": 30.0, "duration": 20.0, "processed": [0, 30, 60, 150], "also": also}
    return json.dumps(json.loads(first) | {"video": video})


PHOTOS: tuple[tuple[str, str | None, str | None], ...] = (
    ("N/IMG_0001.JPG", "2026-05-02 06:00:00", answer(IMPALA, 0.9, [(IMPALA, 0.9), (LION, 0.05)])),
    ("N/IMG_0002.JPG", "2026-05-02 06:00:30", answer(BOVIDS, 0.8, [(IMPALA, 0.6), (LION, 0.1)])),
    ("N/IMG_0003.JPG", "2026-05-02 06:05:00", answer(None)),
    ("N/broken.JPG", None, None),
    ("S/card/IMG_0001.JPG", "2026-05-02 20:00:00", answer(LION, 0.75)),
    ("S/card/IMG_0002.JPG", None, answer(IMPALA, 0.7)),
)
"""Path, camera's clock and answer of each photo. The two first are one event. One photo is broken, one has no time."""


def write_study(
    path: Path,
    photos: Iterable[tuple[str, str | None, str | None]] = PHOTOS,
    stations: Iterable[dict[str, str]] = STATIONS,
    place: Place = EXIF,
) -> None:
    """Write a results file as a run would. `place`: of photos without a station."""
    from faunalens.study.deployments import Deployments, place_of

    table = Deployments(list(stations))
    by_path = {name: (taken, text) for name, taken, text in photos}
    with ResultsFile(path, write=True) as results:
        results.describe(folder=str(path.parent / "Two stations"))
        results.replace_deployments(table.rows)
        homes = {name: next(iter(table.at(name)), None) for name in by_path}
        results.find(
            ListedPhoto(
                *(name, 1000 + number, 1_777_000_000 * 10**9),
                home["deploymentID"] if home else None,
                place_of(home) if home else place,
                0.0,
            )
            for number, (name, home) in enumerate(homes.items())
        )
        for task in list(results.tasks()):
            taken, text = by_path[task.path]
            facts = FileFacts(800, 600, taken, task.place.latitude, task.place.longitude)
            broken = Outcome(task, "unreadable", 10, 1, 1, FileFacts(), None, "photo_unreadable", "it is broken")
            done = Outcome(task, "done", 1000, 1_777_000_000 * 10**9, task.id, facts, text)
            results.save(broken if text is None else done)


@contextmanager
def made_up(folder: Path, *photos: Any, **options: Any) -> Iterator[Study]:
    """Yield a study of photos, stations and place, as `write_study` takes them. `options`: those of `Study`."""
    write_study(folder / "study.db", *photos)
    with ResultsFile(folder / "study.db", write=False) as results:
        yield Study(results, 60, **options)


@contextmanager
def serving(
    results: ResultsFile, choice: Choice, reviewer: str = "A. Person", here: Iterable[str] = ()
) -> Iterator[ReviewServer]:
    """Serve a review of a study. `here`: scientific names of what lives at each of its places."""
    session = Session(results, reviewer, choice, lives_at=lambda *_: here)
    with ports.serving(ReviewServer(session, Path(results.study()["folder"]), 0)) as server:
        yield server


def seen(scientific_name: str) -> Observation:
    """Return what a person saw who names a taxon."""
    return of_taxon(taxon_chosen(scientific_name, []), "animal")


def say(
    results: ResultsFile,
    path: str,
    *said: Observation,
    reviewer: str = "A. Person",
    at: str = "2026-06-01T12:00:00+00:00",
    drawn: bool = False,
) -> None:
    """Keep what a reviewer saw in a photo; that the machine is right, if it is nothing."""
    identities = [row["id"] for row in results.rows("select id from photo where path = ?", path)]
    save(results, identities, Opinion(reviewer, at, said), drawn=drawn)
