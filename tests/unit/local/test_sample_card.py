"""The made-up photos of the tutorials."""

from pathlib import Path

from PIL import Image

from local.sample_card import SIZE, write_sorted


def test_photos_to_train_with_lie_by_camera_and_animal_and_are_by_night(tmp_path: Path) -> None:
    write_sorted(tmp_path, cameras=2, shots=1)
    photos = sorted(tmp_path.rglob("*.JPG"))
    folders = [photo.parent.relative_to(tmp_path).as_posix() for photo in photos]
    assert folders == [f"trap-{camera}/{animal}" for camera in (1, 2) for animal in ("domestic cat", "horse")]
    # THEN none is like another, and none has colours
    assert len({photo.read_bytes() for photo in photos}) == len(photos)
    for photo in photos:
        with Image.open(photo) as image:
            red, green, blue = image.resize((8, 8)).split()
            assert image.size == SIZE
            assert red.tobytes() == green.tobytes() == blue.tobytes()
