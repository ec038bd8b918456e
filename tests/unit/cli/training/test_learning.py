"""What is worth learning, and what a head is worth, from animals that were seen."""

from pathlib import Path

import numpy as np
import pytest

from chalicelib.model.detector import Box
from cli.errors import CommandError
from cli.training.evaluation import OTHER, Evaluation
from cli.training.features import Seen
from cli.training.fit import STRANGER
from cli.training.labels import LabelledPhoto
from cli.training.learning import learn, samples_of, taxa_of
from cli.training.pack import animals_of

LION, IMPALA, HARE = "Panthera leo", "Aepyceros melampus", "Lepus europaeus"
BOX = Box(0.1, 0.1, 0.5, 0.5, 0.8, "animal")


def photos(taxon: str, number: int, cameras: int) -> list[LabelledPhoto]:
    return [LabelledPhoto(Path(f"{taxon} {each}.jpg"), taxon, f"c{each % cameras}") for each in range(number)]


def seen(labelled: LabelledPhoto, *features: float, box: Box = BOX) -> Seen:
    return Seen(labelled, f"{labelled.photo}", box, np.array(features, np.float32))


def test_a_taxon_needs_photos_of_several_cameras() -> None:
    few, near = photos(HARE, 19, 5), photos("Vulpes vulpes", 30, 2)
    # WHEN there are enough of two THEN the others are strangers
    taxa, strangers = taxa_of([*photos(LION, 20, 3), *photos(IMPALA, 40, 4), *few, *near])
    assert taxa == [IMPALA, LION]
    assert strangers == ["Vulpes vulpes (30 photos of 2 cameras)", "Lepus europaeus (19 photos of 5 cameras)"]
    # WHEN a photo is labelled twice THEN it counts once
    with pytest.raises(CommandError, match="too few labels"):
        taxa_of([*photos(LION, 20, 3), *few, *few])


def test_too_few_labels_say_how_many_are_needed() -> None:
    with pytest.raises(CommandError) as error:
        taxa_of([*photos(LION, 20, 3), *photos(HARE, 19, 1)])
    assert str(error.value.message) == (
        "there are too few labels to learn from: expected 2 taxa with 20 photos of 3 cameras each; Panthera leo has "
        "enough; these have fewer photos, or cameras: Lepus europaeus (19 photos of 1 camera); label more "
        "photos, of more cameras"
    )
    with pytest.raises(CommandError, match="3 cameras each; label more photos"):
        taxa_of([])
    # WHEN it is not known which photos are of one camera
    with pytest.raises(
        CommandError, match=r"1 photo is of no known camera, such as 0\.jpg; put those of each camera into"
    ):
        taxa_of([LabelledPhoto(Path("0.jpg"), LION, "")])


def test_a_photo_is_judged_by_its_surest_box() -> None:
    first, second = photos(LION, 2, 2)
    drawn = Box(0.1, 0.1, 0.4, 0.4, 1.0, "animal")
    samples = samples_of(
        [seen(first, 1), seen(first, 2, box=drawn), seen(second, 3), seen(photos(HARE, 1, 1)[0], 4)], [LION]
    )
    assert samples.is_main.tolist() == [False, True, True, True]
    assert samples.taxon.tolist() == [0, 0, 0, STRANGER]
    assert samples.camera.tolist() == [0, 0, 1, 0]


def test_a_head_is_judged_on_cameras_it_has_not_seen_and_on_strangers() -> None:
    random = np.random.default_rng(5)
    middles = {LION: (1, 5, 2), IMPALA: (5, 1, 2), HARE: (40, 40, 40)}
    animals = [
        seen(each, *(np.array(middles[each.taxon]) + random.normal(0, 0.5, 3)))
        for each in (*photos(LION, 30, 5), *photos(IMPALA, 30, 6), *photos(HARE, 4, 2))
    ]
    taxa = animals_of([LION, IMPALA], {})
    blank = Evaluation("hills", taxa, (), {}, (), 0, 0, ("Kenya",), 0.9, "0" * 12, night=True, licence="CC0-1.0")
    _, found = learn(animals, blank)
    # THEN the evaluation has what the card needs
    assert (found.name, found.precision, found.night, found.licence) == ("hills", 0.9, True, "CC0-1.0")
    assert (found.photos, found.cameras, found.places) == (60, 6, ("Kenya",))
    assert found.thresholds.keys() == {"panthera-leo", "aepyceros-melampus"}
    assert found.right > 0.95
    assert found.strangers_named == 0
    assert [each.taxon for each in found.strangers] == [OTHER] * 4
    assert found.known[0].box == BOX
    assert [point.photos for point in found.curve] == [12, 24, 36, 48]
