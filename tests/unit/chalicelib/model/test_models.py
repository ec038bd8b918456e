"""All models: packs score only photos of their taxa, and several photos of one animal give one answer."""

import json
from dataclasses import replace
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from chalicelib.config.settings import ModelSettings, Settings
from chalicelib.errors import ModelError
from chalicelib.features.codec import CellAnimals
from chalicelib.features.features import NO_LOCATION, Features
from chalicelib.location import cell_of, h3, text_of
from chalicelib.model.certainty import LEAST_BOX, MOST_EMPTY, Level, SurestBoxes
from chalicelib.model.detector import Box
from chalicelib.model.models import FusedScores, Models, head_crops, stretched
from chalicelib.model.packs import Outside
from chalicelib.model.recogniser import Recognised, Recogniser, believed
from chalicelib.model.session import Model
from chalicelib.model.taxonomy import Relatives, Taxonomy
from chalicelib.photo.photos import DecodedPhoto
from chalicelib.photo.pixels import Picture
from chalicelib.services import build_recogniser
from tests.support import tiny_model
from tests.support.tiny_model import write_pack
from tests.unit.chalicelib.model.tiny_head import write_head

FLOOR = 0.02
SIDE = tiny_model.SIZE


def square(*colour: int) -> NDArray[np.uint8]:
    return np.full((SIDE, SIDE, 3), colour, np.uint8)


RED_PHOTO, GREEN_PHOTO, BLUE_PHOTO = square(220, 20, 20), square(20, 220, 20), square(20, 20, 220)


@pytest.fixture
def models(tmp_path: Path) -> Models:
    """A general model that knows red fox, tree frog and dog by colour, and a pack of red and Arctic foxes."""
    path = tiny_model.write(tmp_path, tiny_model.tiny_model())
    write_pack(tmp_path)
    taxonomy = Taxonomy.read(tmp_path / "labels.csv", tmp_path / "taxa.csv")
    return Models(Model(path, threads=1), taxonomy, tmp_path, FLOOR, threads=1)


def score(models: Models, *photos: NDArray[np.uint8]) -> FusedScores:
    """Return the scores of one animal from all of its photos."""
    return models.fuse([models.score(photo) for photo in photos])


def names(models: Models, photo: NDArray[np.uint8]) -> list[str]:
    return [run.pack.name for run in score(models, photo).packs]


def test_a_pack_scores_photos_of_its_taxa_only(models: Models) -> None:
    # GIVEN a pack of mammals; WHEN a frog and a fox come; THEN it loads and looks only for the fox
    used = [(names(models, photo), models.packs[0].is_loaded) for photo in (GREEN_PHOTO, RED_PHOTO)]
    assert used == [([], False), (["foxes"], True)]
    # AND not for what is as red, but no animal
    red = models.score(RED_PHOTO)
    nothing = replace(red, general=replace(red.general, animal_probability=MOST_EMPTY - 0.01))
    assert [bool(models.fuse(photos).packs) for photos in ([nothing], [red, nothing])] == [False, True]


def test_packs_of_another_folder_score_too(tmp_path: Path) -> None:
    # GIVEN a model without packs of its own, and a pack elsewhere
    path = tiny_model.write(tmp_path, tiny_model.tiny_model())
    (tmp_path / "disk").mkdir()
    outside = Outside(write_pack(tmp_path / "disk").parent, Relatives(tmp_path / "relatives.csv"))
    taxonomy = Taxonomy.read(tmp_path / "labels.csv", tmp_path / "taxa.csv")
    models = Models(Model(path, threads=1), taxonomy, tmp_path, FLOOR, threads=1, outside=outside)
    # THEN its taxa have the general model's names
    assert "carnivore" in {taxon.name for taxon in models.packs[0].animals[0].lineage}
    # THEN no two packs have one name
    write_pack(tmp_path)
    again = Models(Model(path, threads=1), taxonomy, tmp_path, FLOOR, threads=1, outside=outside)
    with pytest.raises(ModelError, match="has a pack named foxes, as the model has; give its files another name"):
        _ = again.packs


def test_scores_of_a_pack_and_the_general_model_add_up_to_one(models: Models) -> None:
    scores = score(models, BLUE_PHOTO)
    assert [each.name for each in scores.taxonomy.animals] == ["red fox", "tree frog", "dog", "Arctic fox"]
    assert scores.vision.sum() == pytest.approx(1)
    assert scores.probabilities.tolist() == pytest.approx(scores.vision.tolist())
    assert scores.packs[0].milliseconds > 0
    # AND those of two photos of a fox and one of a frog are a fox's
    together = score(models, RED_PHOTO, RED_PHOTO, GREEN_PHOTO)
    assert together.likeliest(1)[0].name == "red fox"
    assert together.probabilities.sum() == pytest.approx(1)
    # AND scores that are no numbers are an error, which names the model and what checks it
    photo = models.score(GREEN_PHOTO)
    photo.general = replace(photo.general, vision=np.full(3, np.nan, np.float32))
    with pytest.raises(ModelError, match=r"scores of \w+ are not finite; expected .*model check"):
        models.fuse([photo])


def test_everything_has_the_animals_of_all_packs(models: Models) -> None:
    assert len(models.everything().animals) == 4
    assert [model.name for model in models.knowing("vulpes-vulpes")] == ["tiny", "foxes"]
    assert [model.name for model in models.knowing("vulpes-lagopus")] == ["foxes"]
    assert models.knowing("felis-catus") == []


def test_labels_of_another_length_are_an_error(tmp_path: Path) -> None:
    path = tiny_model.write(tmp_path, tiny_model.tiny_model())
    taxonomy = Taxonomy.read(tmp_path / "labels.csv", tmp_path / "taxa.csv")
    other = Taxonomy.of(taxonomy.animals[:2])
    with pytest.raises(ModelError, match=r"tiny\.onnx has 3 animals, labels\.csv has 2 rows"):
        Models(Model(path), other, tmp_path, FLOOR)


# --- heads: what they see of an animal's box, where they are for it, and what their word counts for


SIZE = 16
SHARES = st.floats(0, 1)


def _half_dark(width: int = 120, height: int = 80) -> Picture:
    """Return a photo whose left half is darker than its right half, both faint."""
    pixels = np.full((height, width, 3), 100, np.uint8)
    pixels[:, width // 2 :] = 140
    return Picture(Image.fromarray(pixels))


def test_a_head_sees_a_box_plain_mirrored_and_with_more_contrast() -> None:
    # GIVEN a faint photo, and a box in its middle
    picture, box = _half_dark(), Box(0.4, 0.4, 0.2, 0.2, 0.9, "animal")
    # WHEN its crops are made; THEN the first one is what the general model sees
    plain, both, mirrored, clear = head_crops(picture, box, SIZE)
    assert np.array_equal(plain, picture.around(box.grown(0.1), SIZE))
    # AND others are mirrored, with the dark half at the right, or have more contrast, or both
    assert plain[:, 0].max() < 110 < 130 < plain[:, -1].min()
    assert mirrored[:, -1].max() < 110 < 130 < mirrored[:, 0].min()
    assert clear[:, 0].max() < 10 < 245 < clear[:, -1].min()
    assert both[:, -1].max() < 10 < 245 < both[:, 0].min()
    # AND a square without contrast stays as it is
    flat = np.full((SIZE, SIZE, 3), 7, np.uint8)
    assert np.array_equal(stretched(flat), flat)


@given(x=SHARES, y=SHARES, width=SHARES, height=SHARES)
def test_every_box_has_crops_inside_of_the_photo(x: float, y: float, width: float, height: float) -> None:
    # GIVEN any box, even one without an area or at the border; WHEN its crops are made
    crops = head_crops(_half_dark(), Box(x, y, width * (1 - x), height * (1 - y), 0.5, "animal"), SIZE)
    # THEN each is an image of the general model
    assert all(crop.shape == (SIZE, SIZE, 3) and crop.dtype == np.uint8 for crop in crops)


GREY, YELLOW, RED, BLUE = (90, 90, 90), (90, 90, 0), (255, 0, 0), (0, 0, 255)
POMONA = cell_of(34.1, -117.8)
BESIDE = h3().grid_ring(POMONA, 1)[0]
FAR = cell_of(45.5, -122.7)


def place(cell: int, area: str = "US") -> Features:
    """Return the features of a cell where the red fox lives; its other animals have no range."""
    fox = np.array([10], np.int32), np.ones(1, np.float32), np.ones(1, np.uint8)
    return Features("narrowed", "miss", CellAnimals(cell, "v1", (area,), *fox))


def recogniser_in(folder: Path, more: str = "", gain: float = 0.05) -> Recogniser:
    """Return a recogniser with both detectors and a head. `more`: lines of its manifest. `gain`: how sure it is."""
    path = tiny_model.write_all(folder)
    write_head(folder / "packs", path, more, gain)
    return build_recogniser(Settings(model=ModelSettings(path=path)))


def animal(colour: tuple[int, int, int], ground: tuple[int, int, int] = GREY) -> DecodedPhoto:
    """Return a photo with an animal of a colour in its corner. On grey, it is one by night."""
    image = Image.new("RGB", (64, 64), ground)
    image.paste(colour, (0, 0, 16, 16))
    return DecodedPhoto.of(Picture(image), tiny_model.SIZE, tiny_model.SIZE, 64)


def named(found: Recognised) -> str | None:
    prediction = found.together.prediction
    return prediction.taxon.scientific_name if prediction else None


def test_where_a_head_is_for_a_photo_its_word_counts(tmp_path: Path) -> None:
    # GIVEN an animal that the general model takes for a red fox, and the head for an Arctic one
    recogniser = recogniser_in(tmp_path)
    # WHEN it is recognised; THEN the head names it, and the answer says that it has scored the photo
    found = recogniser.recognise([animal(RED)], place(POMONA))
    assert named(found) == "Vulpes lagopus"
    assert [run.pack.name for run in found.together.scores.packs] == ["own"]
    assert found.subject == "animal"
    # AND the sum of all probabilities is at most 1
    assert found.together.scores.probabilities.sum() <= 1.0 + 1e-6
    # AND it names each box too
    boxes = recogniser.with_boxes(animal(RED), found).boxes
    assert boxes is not None
    assert {shown.scores.packs[-1].pack.name for _, shown in boxes.animals} == {"own"}
    # AND its animals are listed among the taxa
    assert {each.name for each in recogniser.models.everything().animals} >= {"Arctic fox", "raccoon"}
    assert [each.name for each in recogniser.models.knowing("procyon-lotor")] == ["own"]


def test_the_number_of_what_a_head_says_needs_no_curve(tmp_path: Path) -> None:
    # GIVEN curves by which nothing is certain WHEN a head names an animal THEN its number is as it was
    never = {"place": [-9, 1], "alone": [-9, 1], "pack": [-9, 1], "least": 0.5}
    (tmp_path / "certainty.json").write_text(json.dumps(dict.fromkeys(get_args(Level), never)))
    prediction = recogniser_in(tmp_path).recognise([animal(RED)], place(POMONA)).together.prediction
    assert prediction is not None
    assert prediction.score > 0.5


@pytest.mark.parametrize("colour", [BLUE, GREY], ids=["another animal", "no animal"])
def test_what_is_unlike_all_that_a_head_knows_is_left_to_the_general_model(
    tmp_path: Path, colour: tuple[int, int, int]
) -> None:
    # GIVEN an animal that is any other to the head, or none in a box; THEN the scores are those without a head
    found = recogniser_in(tmp_path).recognise([animal(colour)], place(POMONA)).together.scores
    assert (found.headed, found.packs) == (None, ())


def test_a_name_has_at_least_the_probability_that_the_head_demands(tmp_path: Path) -> None:
    # GIVEN a head that demands more than it gives; THEN the animal has no name, nor one of all that the head knows
    recogniser = recogniser_in(tmp_path)
    file = tmp_path / "packs" / "own.toml"
    file.write_text(file.read_text().replace("vulpes-lagopus = 0.6", "vulpes-lagopus = 1.0"))
    found = recogniser.recognise([animal(RED)], place(POMONA))
    assert found.together.scores.headed is not None
    assert named(found) is None


def test_a_weak_box_that_a_head_names_surely_is_one_of_an_animal(tmp_path: Path) -> None:
    # GIVEN a box of which the detector is unsure, and a head that is sure of it, or not
    scores = recogniser_in(tmp_path).recognise([animal(RED)], place(POMONA)).together.scores
    assert scores.headed is not None
    unsure = replace(scores, headed=scores.headed._replace(is_sure=False))
    # THEN it is believed, or not
    weak = SurestBoxes(0.3, by_night=True)
    assert [believed(weak, each).animal for each in (scores, unsure, None)] == [LEAST_BOX, 0.3, 0.3]


def test_a_head_by_night_sees_no_photo_by_day(tmp_path: Path) -> None:
    recogniser = recogniser_in(tmp_path, "night = true\n")
    seen = [recogniser.recognise([animal(RED, ground)], place(POMONA)).head for ground in (GREY, YELLOW)]
    assert [each is not None for each in seen] == [True, False]


@pytest.mark.parametrize(
    ("more", "features", "is_for"),
    [
        (f'cells = ["{text_of(POMONA)}"]\n', place(POMONA), True),
        (f'cells = ["{text_of(POMONA)}"]\n', place(BESIDE), True),
        (f'cells = ["{text_of(POMONA)}"]\n', place(FAR), False),
        (f'cells = ["{text_of(h3().cell_to_parent(POMONA, 1))}"]\n', place(BESIDE), True),
        (f'cells = ["{text_of(POMONA)}"]\n', NO_LOCATION, False),
        ('areas = ["MX", "US"]\n', place(FAR), True),
        ('areas = ["MX"]\n', place(FAR), False),
        ("", NO_LOCATION, True),
    ],
)
def test_a_head_is_for_its_places(tmp_path: Path, more: str, features: Features, *, is_for: bool) -> None:
    # GIVEN a head with areas, cells or neither; WHEN a photo is from one of them, beside it, elsewhere or anywhere
    head = recogniser_in(tmp_path, more).models.head_at(features, by_night=True)
    # THEN the head is for it, or not
    assert (head is not None) == is_for


def test_ones_own_head_comes_before_that_of_the_model(tmp_path: Path) -> None:
    recogniser = recogniser_in(tmp_path)
    own = write_head(tmp_path / "mine", recogniser.models.general.path, name="mine").parent
    models = build_recogniser(Settings(model=ModelSettings(path=recogniser.models.general.path, packs=own))).models
    assert [head.name for head in models.heads] == ["mine", "own"]


def test_a_head_of_another_general_model_is_refused(tmp_path: Path) -> None:
    recogniser = recogniser_in(tmp_path)
    file = tmp_path / "packs" / "own.toml"
    file.write_text(file.read_text().replace(recogniser.models.general.version, "0123456789ab"))
    with pytest.raises(
        ModelError, match=r"own\.toml was trained on features of the general model 0123.*train it again"
    ):
        recogniser.recognise([animal(RED)], place(POMONA))


def test_an_animal_that_does_not_live_at_the_place_is_less_likely(tmp_path: Path) -> None:
    # GIVEN relatives of which the raccoon lives at the place and the Arctic fox does not
    header = "number,taxon,scientific_name,name,genus,family,order,class"
    rows = ["4,vulpes-lagopus,Vulpes lagopus,fox,Vulpes,Canidae,Carnivora,Mammalia"]
    rows += ["5,procyon-lotor,Procyon lotor,raccoon,Procyon,Procyonidae,Carnivora,Mammalia"]
    (tmp_path / "relatives.csv").write_text("\n".join([header, *rows]) + "\n")
    recogniser, here = recogniser_in(tmp_path, gain=0.01), place(POMONA)
    here = replace(here, found=here.found._replace(relatives=np.array([5], np.uint16)))
    # WHEN a photo shows a fox to the head; THEN that is not said
    assert named(recogniser.recognise([animal(RED)], here)) != "Vulpes lagopus"
