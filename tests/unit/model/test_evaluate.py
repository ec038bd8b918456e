"""Classifier metrics: known results on small tables, a temperature that is found again, and the photos of a folder."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from chalicelib.errors import ModelError
from model.calibrate import fit_temperature
from model.evaluate import accuracy, apply_temperature, calibration_errors, negative_log_likelihood, read_photos

PROBABILITIES = np.array([[0.7, 0.2, 0.1], [0.3, 0.4, 0.3], [0.1, 0.2, 0.7], [0.6, 0.3, 0.1]])
LABELS = np.array([0, 0, 2, 2])


def test_photos_of_every_format_that_the_app_reads_are_measured(tmp_path: Path) -> None:
    # GIVEN photos in two formats, one with the suffix in capitals, and a file that is no photo
    for name in ("7_a.JPG", "398_b.tiff"):
        Image.new("RGB", (300, 300)).save(tmp_path / name)
    (tmp_path / "truth.csv").write_text("file\n")
    # WHEN the folder is read THEN both photos are in it, with their labels
    assert [photo.label for photo in read_photos(tmp_path)] == [398, 7]


def test_a_photo_that_is_cut_short_is_named(tmp_path: Path) -> None:
    Image.effect_noise((300, 300), 64).save(tmp_path / "7_a.jpg")
    (tmp_path / "7_a.jpg").write_bytes((tmp_path / "7_a.jpg").read_bytes()[:2000])
    with pytest.raises(ModelError, match=r"^7_a\.jpg cannot be read: the JPEG photo is damaged or cut short"):
        list(read_photos(tmp_path))


def test_accuracy_counts_the_label_among_the_likeliest_and_likelihood_is_that_of_the_true_animal() -> None:
    assert [accuracy(PROBABILITIES, LABELS, top) for top in (1, 2, 3)] == [0.5, 0.75, 1]
    assert negative_log_likelihood(PROBABILITIES, LABELS) == pytest.approx(-np.log([0.7, 0.3, 0.7, 0.1]).mean())


def test_calibration_error_is_the_gap_between_confidence_and_accuracy() -> None:
    # GIVEN a model that is 90 % sure and right in 6 of 10 photos, in one bin of equal width
    sure = np.tile([[0.9, 0.1]], (10, 1))
    right = np.array([0] * 6 + [1] * 4)
    # THEN it is off by 0.3; in bins of one photo each the gaps do not cancel: 6 × 0.1 and 4 × 0.9
    assert calibration_errors(sure, right) == pytest.approx((0.3, 0.42))


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
def test_the_temperature_is_found_again(temperature: float) -> None:
    # GIVEN labels drawn from known probabilities, and probabilities that are too flat or too sharp
    random = np.random.default_rng(7)
    true = apply_temperature(np.exp(random.normal(size=(4000, 5))), 0.5)
    labels = (true.cumsum(axis=1) > random.uniform(size=(4000, 1))).argmax(axis=1)
    # WHEN the temperature is fitted; THEN it restores them
    assert fit_temperature(apply_temperature(true, 1 / temperature), labels) == pytest.approx(temperature, rel=0.1)
