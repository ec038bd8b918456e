"""Which engine identifies the photos of a run."""

from pathlib import Path

import pytest

from faunalens.engines.choice import Choice
from faunalens.engines.remote import RemoteEngine
from faunalens.errors import CommandError
from tests.stand_ins import write_megadetector, write_speciesnet
from tests.support import tiny_model
from tests.support.pictures import jpeg
from tests.unit.faunalens.conftest import Command

pytestmark = pytest.mark.usefixtures("packages")


def test_a_service_and_engines_of_other_projects_are_known_by_their_versions(tmp_path: Path) -> None:
    service = Choice("local", "https://example.org/prod", "", None, 5, boxes=False)
    assert isinstance(service.engine({}, 4, print), RemoteEngine)
    assert (service.versions({}), service.finds_boxes) == ({}, False)
    environment = {"MODEL_PATH": str(tiny_model.write(tmp_path, tiny_model.tiny_model())), "REDIS_URL": "redis://x"}
    ours = Choice("local", None, "", None, 5, boxes=False).versions(environment)
    boxes = Choice("megadetector", None, str(write_megadetector(tmp_path)), None, 5, boxes=False)
    assert boxes.versions(environment) == ours | {"megadetector": "v5a.0.1"}
    net = Choice("speciesnet", None, str(write_speciesnet(tmp_path / "net", [])), None, 5, boxes=False)
    assert net.versions(environment) == {"speciesnet": "4.0.3a"}
    assert (boxes.finds_boxes, net.finds_boxes) == (True, True)


def test_packs_may_lie_anywhere(tmp_path: Path) -> None:
    # GIVEN a model without packs, and a pack on another disk
    environment = {"MODEL_PATH": str(tiny_model.write(tmp_path, tiny_model.tiny_model())), "REDIS_URL": "redis://x"}
    (tmp_path / "disk").mkdir()
    folder = tiny_model.write_pack(tmp_path / "disk").parent
    choice = Choice("local", None, "", folder, 5, boxes=False)
    # THEN it is a model at hand, and its size is said
    assert choice.versions(environment).keys() == {"tiny", "foxes"}
    said: list[str] = []
    choice.engine(environment, 1, said.append)
    assert said == ["packs: foxes (0 MB); each takes as much memory once it is used, and twice that while it is loaded"]
    # THEN a folder without one is an error
    (folder / "foxes.onnx").unlink()
    with pytest.raises(CommandError, match=r"has no pack; expected NAME\.toml with enabled = true"):
        choice.engine(environment, 1, said.append)


def test_a_model_of_other_animals_without_their_ranges_is_an_error_in_words(
    tmp_path: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN a model with its own labels, and a folder with a photo
    monkeypatch.setenv("MODEL_PATH", str(tiny_model.write(tmp_path, tiny_model.tiny_model())))
    photos = tmp_path / "photos"
    photos.mkdir()
    (photos / "a.jpg").write_bytes(jpeg())
    # WHEN they are identified THEN the command says which file to add
    said = command("identify", photos, "--no-location", "--results", tmp_path / "study.db", code=1)
    assert "has its own labels.csv, but no ranges.csv; add them for the animals" in said
