"""Deployments and places of photos whose folder several deployments share."""

from datetime import timedelta

from cli.deployments import Deployments, Where
from cli.results import FileFacts, Outcome, ResultsFile

NEAR, FAR = ("-33.9", "151.2"), ("9.0", "-79.5")


def table(place: tuple[str, str], moved: str = "2026-05-05T00:00:00+10:00") -> Deployments:
    """Return a table of a camera that was moved to a place."""
    rows = [("first", *NEAR, ""), ("second", *place, moved)]
    columns = ("deploymentID", "latitude", "longitude", "deploymentStart")
    return Deployments([{"folder": "f", **dict(zip(columns, row, strict=True))} for row in rows])


def run(where: Where, **photos: str | None) -> dict[str, tuple[str | None, str, float]]:
    """Identify photos that were taken at some times. Return deployment, state and latitude of each."""
    where.results.find(where.of(f"f/{name}", 1, 1) for name in photos)
    for task in list(where.results.tasks()):
        facts = FileFacts(1, 1, photos[task.path[2:]], task.place.latitude, task.place.longitude)
        where.results.save(Outcome(task, "done", 1, 1, task.id, facts, "{}"))
    where.settle()
    rows = where.results.rows("select * from photo order by path")
    return {row["path"][2:]: (row["deployment"], row["state"], row["latitude"]) for row in rows}


PHOTOS = {"a": "2026-05-01 10:00:00", "b": "2026-05-06 10:00:00", "c": None}


def test_the_time_of_a_photo_decides_once_it_is_known(results: ResultsFile) -> None:
    # GIVEN a camera that was moved to a place a few metres away
    where = Where(results, table(("-33.9001", "151.2")), None, None)
    # WHEN its photos are identified THEN those after the move are of the second deployment, and none is done again
    assert run(where, **PHOTOS) == {
        "a": ("first", "done", -33.9),
        "b": ("second", "done", -33.9001),
        "c": (None, "done", -33.9),
    }


def test_a_photo_in_another_cell_is_done_again_once(results: ResultsFile) -> None:
    where = Where(results, table(FAR), None, None)
    assert run(where, **PHOTOS)["b"] == ("second", "new", 9.0)
    assert run(where, **PHOTOS)["b"] == ("second", "done", 9.0)
    assert run(where, **PHOTOS)["a"] == ("first", "done", -33.9)


def test_a_corrected_table_or_clock_changes_deployments_without_a_new_answer(results: ResultsFile) -> None:
    run(Where(results, table(NEAR), None, None), **PHOTOS)
    # WHEN the camera was moved later than the table said
    later = Where(results, table(NEAR, "2026-05-07T00:00:00+10:00"), None, None)
    results.find(later.of(f"f/{name}", 1, 1) for name in PHOTOS)
    assert {row["deployment"] for row in results.rows("select * from photo where taken is not null")} == {"first"}
    # WHEN its clock was a week behind THEN that correction stays
    shifted = Where(results, table(NEAR), None, timedelta(days=7))
    results.find(shifted.of(f"f/{name}", 1, 1) for name in PHOTOS)
    assert run(Where(results, table(NEAR), None, None), **PHOTOS)["a"] == ("second", "done", -33.9)
    assert results.counts().left == 0
