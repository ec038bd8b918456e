"""The comparison of a browser without signal with the server: which photos it takes, and what it compares."""

from pathlib import Path

from benchmarks.offline import PHOTOS, chosen, name_in


def test_photos_are_taken_at_even_distances_by_name(tmp_path: Path) -> None:
    # GIVEN more photos than are wanted, in two folders
    for number in range(PHOTOS * 3):
        folder = tmp_path / f"{number % 2}"
        folder.mkdir(exist_ok=True)
        (folder / f"{number:03}.jpg").touch()
    # WHEN THEN every third is taken, in the order of the names, whatever they show
    names = [path.relative_to(tmp_path).as_posix() for path in chosen([tmp_path / "1", tmp_path / "0"])]
    assert len(names) == PHOTOS
    assert names[:3] == ["0/000.jpg", "0/006.jpg", "0/012.jpg"]


def test_an_answer_without_a_name_is_what_the_photo_shows() -> None:
    assert name_in({"prediction": {"scientific_name": "Felis catus"}, "subject": "animal"}) == "Felis catus"
    assert name_in({"prediction": None, "subject": "none"}) == "none"
