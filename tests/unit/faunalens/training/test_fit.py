"""Heads fitted to made-up features: clouds of points, one for each taxon, moved a little by each camera."""

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.model.detector import Box
from faunalens.errors import CommandError
from faunalens.training import fit
from faunalens.training.evaluation import OTHER, About
from faunalens.training.features import Crop
from faunalens.training.fit import STRANGER, Floats, Numbers, Samples, Scored
from faunalens.training.labels import LabelledPhoto
from faunalens.training.pack import animals_of

WIDTH, CAMERAS, EACH = 8, 10, 6


def clouds(taxa: int = 3, strangers: int = 0, spread: float = 1.0) -> Samples:
    """Return samples of each taxon by each camera. Strangers lie far from all."""
    random = np.random.default_rng(7)
    middles = np.eye(taxa + 1, WIDTH) * 6
    middles[taxa] *= 5
    moved = random.normal(0, 0.5, (CAMERAS, WIDTH))
    numbers = [(taxon, camera) for taxon in range(taxa) for camera in range(CAMERAS) for _ in range(EACH)]
    numbers += [(taxa, number % CAMERAS) for number in range(strangers)]
    features = [middles[taxon] + moved[camera] + random.normal(0, spread, WIDTH) for taxon, camera in numbers]
    taxon, camera = np.array(numbers).T
    taxon[taxon == taxa] = STRANGER
    return Samples(np.array(features, np.float32), taxon, camera, np.ones(len(taxon), bool))


def test_a_head_tells_clouds_apart_and_knows_what_is_far() -> None:
    samples = clouds(strangers=10)
    head, said, thresholds, curve = fit.fit(samples, 3, 0.9)
    # THEN what heads say that have not seen the camera is right, and a stranger is likelier another taxon than theirs
    guess, known = said.argmax(axis=1), samples.taxon != STRANGER
    assert (guess == samples.taxon)[known].mean() > 0.95
    assert (guess[~known] == 3).all()
    assert all(0 < each < 1 for each in thresholds)
    # THEN the curve ends with all cameras but those of a fold
    assert [point.cameras for point in curve] == [2, 4, 6, 8]
    assert curve[-1].photos == round(known.sum() * 0.8)
    # THEN the head of all samples says the same of them, and the same samples give the same head
    assert (head.score(samples.features).logits.argmax(axis=1) == samples.taxon)[known].mean() > 0.95
    again, _, *figures = fit.fit(samples, 3, 0.9)
    assert (again.weights.tobytes(), figures) == (head.weights.tobytes(), [thresholds, curve])


def test_a_taxon_without_samples_is_never_the_likeliest_nor_the_nearest() -> None:
    samples = clouds()
    logits, distances = fit.fit_linear(samples.where(samples.taxon != 1), 3).score(samples.features)
    assert (logits.argmax(axis=1) != 1).all()
    assert (distances[samples.taxon == 1] > distances[0]).all()


def test_a_head_does_not_see_the_cameras_that_it_is_tested_on() -> None:
    # GIVEN a camera whose photos of one taxon look like those of another
    samples = clouds(taxa=2, strangers=5, spread=0.1)
    liar = (samples.camera == 3) & (samples.taxon != STRANGER)
    samples.features[liar] = samples.features[liar][::-1]
    # THEN all photos of a camera are in one fold, and no head has learnt it
    folds = fit.folds_of(samples)
    assert (set(folds), len(set(folds[samples.camera == 3]))) == (set(range(5)), 1)
    assert (fit.cross_validate(samples, 2, folds).logits.argmax(axis=1) != samples.taxon)[liar].all()


def test_the_temperature_makes_certainties_honest() -> None:
    # GIVEN logits that are three times too large
    random = np.random.default_rng(1)
    logits = random.normal(0, 2, (4000, 3))
    taxon = np.array([random.choice(3, p=each) for each in fit.shares_of(logits, 1.0)])
    assert fit.temperature_of(logits * 3, taxon) == pytest.approx(3, rel=0.1)


def test_what_is_nearer_than_nearly_all_is_hardly_another_taxon() -> None:
    far = fit.far_of(np.linspace(0, 1, 1001))
    other = fit.probabilities(Scored(np.zeros((3, 2)), np.array([0.5, 0.98, 2.0])), 1.0, far)[:, 2]
    assert other == pytest.approx([0.01, 0.5, 1.0], abs=1e-3)


def answers(*numbers: tuple[int, int]) -> tuple[Floats, Numbers]:
    """Return what is said of photos and what they show: for each taxon, so many right, and less certain, wrong ones."""
    rows = [(taxon, at, right) for taxon, (right, wrong) in enumerate(numbers) for at in range(right + wrong)]
    said = np.zeros((len(rows), len(numbers) + 1))
    for row, (taxon, at, _) in zip(said, rows, strict=True):
        row[taxon] = 0.99 - at / 1000
    return said, np.array([taxon if at < right else STRANGER for taxon, at, right in rows], np.intp)


def test_thresholds_let_enough_right_names_through() -> None:
    # GIVEN a taxon of which the surest 100 names are right, and a rare one of which none is
    assert fit.thresholds_of(*answers((100, 50), (0, 3)), 0.9) == [pytest.approx(0.99 - 104 / 1000, abs=0.006), 1]
    # WHEN a taxon has few names THEN all taxa together say how precise it is
    assert fit.thresholds_of(*answers((200, 0), (15, 0)), 0.95)[1] == pytest.approx(0.99 - 14 / 1000)
    # THEN few right names in all are no proof
    assert fit.thresholds_of(*answers((10, 0), (0, 0)), 0.95) == [1, 1]


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), min_size=2, max_size=4), st.floats(0.5, 0.99))
def test_each_threshold_is_that_of_a_photo_that_would_be_named(numbers: list[tuple[int, int]], least: float) -> None:
    said, shown = answers(*numbers)
    found = fit.thresholds_of(said, shown, least)
    assert len(found) == len(numbers)
    assert set(found) <= {1.0, *said.max(axis=1, initial=0).tolist()}


LION, IMPALA, HARE = "Panthera leo", "Aepyceros melampus", "Lepus europaeus"
BOX, DRAWN = Box(0.1, 0.1, 0.5, 0.5, 0.8, "animal"), Box(0.1, 0.1, 0.4, 0.4, 1.0, "animal")


def photos(taxon: str, number: int, cameras: int) -> list[LabelledPhoto]:
    return [LabelledPhoto(Path(f"{taxon} {each}.jpg"), taxon, f"c{each % cameras}") for each in range(number)]


def test_a_taxon_needs_photos_of_several_cameras() -> None:
    lions, few, near = photos(LION, 20, 3), photos(HARE, 19, 1), photos("Vulpes vulpes", 30, 2)
    # WHEN there are enough of two THEN the others are strangers
    taxa, strangers = fit.taxa_of([*lions, *photos(IMPALA, 40, 4), *few, *near])
    assert taxa == [IMPALA, LION]
    assert strangers == ["Vulpes vulpes (30 photos of 2 cameras)", "Lepus europaeus (19 photos of 1 camera)"]
    # WHEN there are too few, if also labelled twice, or of no known camera
    homeless = LabelledPhoto(Path("0.jpg"), LION, "")
    for labelled, said in (
        ([homeless], "1 photo is of no known camera, such as 0.jpg; put those of each camera into"),
        ([], "expected 2 taxa with 20 photos of 3 cameras each, found none; label more"),
        ([*lions, *few, *few], "found Panthera leo (20 photos of 3 cameras), Lepus europaeus (19 photos of 1 camera)"),
    ):
        with pytest.raises(CommandError, match=re.escape(said)):
            fit.taxa_of(labelled)


def test_a_head_is_judged_by_each_photos_surest_box_and_on_strangers() -> None:
    # GIVEN lions and impalas with a detector's box and one that people drew, and few hares
    random = np.random.default_rng(5)
    middles = {LION: (1, 5, 2), IMPALA: (5, 1, 2), HARE: (40, 40, 40)}
    animals = [
        Crop(each, f"{each.photo}", box, np.array(middles[each.taxon] + random.normal(0, 0.5, 3), np.float32))
        for each in (*photos(LION, 30, 5), *photos(IMPALA, 30, 6), *photos(HARE, 4, 2))
        for box in ((BOX,) if each.taxon == HARE else (BOX, DRAWN))
    ]
    about = About("hills", animals_of([LION, IMPALA], {}), 0.9, "0" * 12)
    _, found = fit.learn(animals, about)
    # THEN the evaluation has what the card needs
    assert (found.about, found.total.photos, found.total.cameras, found.rows[-1].named) == (about, 60, 6, 0)
    assert (set(found.thresholds), found.total.right > 0.95) == ({"panthera-leo", "aepyceros-melampus"}, True)
    assert [each.taxon for each in found.strangers] == [OTHER] * 4
    assert {each.box for each in found.known} == {DRAWN}
    assert [point.photos for point in found.curve] == [12, 24, 36, 48]
