"""A study: its photos in order."""

from pathlib import Path

from cli.results.file import ResultsFile
from cli.study.study import Study
from testing.studies import STATIONS, answer, write_study


def test_a_photo_without_a_clock_is_in_its_place_by_the_time_of_its_file(tmp_path: Path) -> None:
    # GIVEN a camera ten hours ahead of UTC, and a photo without a clock whose file is of 13:06:40 there
    photos = [
        ("S/card/morning.JPG", "2026-04-24 05:00:00", answer(None)),
        ("S/card/noon.JPG", "2026-04-24 12:00:00", answer(None)),
        ("S/card/none.JPG", None, answer(None)),
        ("S/card/evening.JPG", "2026-04-24 20:00:00", answer(None)),
    ]
    write_study(tmp_path / "study.db", photos, STATIONS)
    with ResultsFile(tmp_path / "study.db", write=False) as results:
        events = list(Study(results, 60).events())
    # THEN it comes after the one of noon, and is no part of another event
    assert [[photo.path.removeprefix("S/card/") for photo in event] for event in events] == [
        *(["morning.JPG"], ["noon.JPG"], ["none.JPG"], ["evening.JPG"])
    ]
