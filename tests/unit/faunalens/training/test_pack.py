"""Packs of trained heads: the ONNX model says what the fit says, and the files are those of a pack."""

import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from PIL import Image

from chalicelib.location import around, cell_of, h3, text_of
from chalicelib.model.manifest import Manifest
from chalicelib.model.packs import PackLabels, id_of
from chalicelib.model.taxonomy import Taxonomy
from faunalens.errors import CommandError
from faunalens.taxa.taxa import MODEL
from faunalens.training.evaluation import About, Evaluation, Outcome
from faunalens.training.fit import Head, fit, probabilities
from faunalens.training.pack import animals_of, areas_named, cells_in, labels_of, manifest_of, onnx_of, write_pack
from tests.unit.faunalens.training.test_fit import WIDTH, clouds

KNOWN = {each.taxon_id: each for each in Taxonomy.read(MODEL / "labels.csv", MODEL / "taxa.csv").animals}
ANIMALS = animals_of(["Panthera leo", "Leporidae", "Odocoileus hemionus"], KNOWN)
DENVER = cell_of(39.7, -105.0)
ABOUT = About("hills", ANIMALS, 0.95, "0123456789ab")
OUTCOME = Outcome(Path("gone.jpg"), "north", "panthera-leo", np.array([0.1, 0.8, 0.1, 0], np.float32), None)
THRESHOLDS = {"panthera-leo": 0.81239, "leporidae": 1.0, "odocoileus-hemionus": 0.5}


@pytest.fixture(scope="module")
def head() -> Head:
    return fit(clouds(), 3, 0.9)[0]


def test_the_model_says_what_the_head_says(head: Head) -> None:
    # GIVEN the features of some crops of an animal, near the head's taxa and far from them
    random = np.random.default_rng(3)
    session = onnxruntime.InferenceSession(onnx_of(head, ABOUT))
    for size in (1, 30, 3000):
        features = random.uniform(-0.1, size, (12, WIDTH)).astype(np.float32)
        (said,) = session.run(["probabilities"], {"features": features})
        # THEN the mean of their roots is scored
        roots = np.sqrt(np.maximum(features, 0)).mean(axis=0, keepdims=True, dtype=np.float32)
        assert said == pytest.approx(probabilities(head.score(roots), head.temperature, head.far), abs=1e-4)
    assert (said.shape, said[0, 3] > 0.99) == ((1, 4), True)


def test_animals_have_the_ids_of_this_release_or_of_their_names_also_in_the_packs_labels(tmp_path: Path) -> None:
    lion, rabbits, deer = ANIMALS
    assert lion == KNOWN["panthera-leo"]._replace(output_index=0)
    assert (rabbits.id, rabbits.rank, rabbits.scientific_name) == (id_of("leporidae"), "family", "Leporidae")
    assert (deer.id, deer.taxon_id, deer.kind) == (id_of("odocoileus-hemionus"), "odocoileus-hemionus", "wild")
    assert [taxon.rank for taxon in deer.lineage] == ["phylum", "class", "order", "family", "genus", "species"]
    # WHEN the pack's labels are read THEN they are the same, in the language of the taxa at hand
    (tmp_path / "hills.csv").write_text(labels_of(ANIMALS))
    for read, animal in zip(PackLabels.read(tmp_path / "hills.csv", MODEL).animals, ANIMALS, strict=True):
        lines = [[taxon.scientific_name for taxon in each.lineage] for each in (read, animal)]
        assert (read.id, read.taxon_id, read.rank, lines[0]) == (animal.id, animal.taxon_id, animal.rank, lines[1])


def test_the_manifest_says_what_the_head_is_for() -> None:
    about = replace(
        ABOUT, cells=frozenset({DENVER}), areas=("US",), night=True, licence="CC0-1.0", author='A. "Person"'
    )
    found = tomllib.loads(manifest_of(Evaluation(about, (OUTCOME,), THRESHOLDS, ())))
    assert found == {
        "kind": "head",
        "enabled": True,
        "licence": "CC0-1.0",
        "author": 'A. "Person"',
        "general": "0123456789ab",
        "night": True,
        "areas": ["US"],
        "cells": [text_of(DENVER)],
        "outputs": {"labels": "hills.csv"},
        # rounded down, lest the photo that it comes from be too uncertain
        "thresholds": {"panthera-leo": 0.8123, "leporidae": 1.0, "odocoileus-hemionus": 0.5},
    }
    # WHEN nothing is known of places THEN it is used everywhere
    everywhere = tomllib.loads(manifest_of(Evaluation(ABOUT, (OUTCOME,), THRESHOLDS, ())))
    assert not {"night", "areas", "cells"} & everywhere.keys()


def test_a_part_of_a_country_has_cells_and_a_country_has_none() -> None:
    # GIVEN Colorado, which is larger than a cell of resolution 2; THEN some of its cells are that wide
    cells = cells_in(["US-CO"])
    assert DENVER in cells or not cells.isdisjoint(around(DENVER))
    assert {h3().get_resolution(cell) for cell in cells} == {2, 3}
    assert cells_in(["US"]) == frozenset()
    # THEN cells and codes have the names of their areas
    assert "Colorado" in areas_named({DENVER}, ())
    assert areas_named(set(), ["KE", "XX"]) == ("Kenya", "XX")


def test_a_pack_is_five_files_whose_card_may_leave_photos_out(head: Head, tmp_path: Path) -> None:
    # GIVEN a photo that was named wrongly
    Image.new("RGB", (40, 30), "red").save(tmp_path / "photo.jpg")
    found = Evaluation(ABOUT, (replace(OUTCOME, photo=tmp_path / "photo.jpg"),), THRESHOLDS, ())
    mine, for_others = (write_pack(tmp_path / f"{own}", head, found, with_photos=own) for own in (True, False))
    assert [path.name for path in mine] == [f"hills.{each}" for each in ("onnx", "csv", "md", "html", "toml")]
    assert ["data:image/jpeg" in pack[3].read_text() for pack in (mine, for_others)] == [True, False]
    # THEN it can be used, though licence and author are not known
    manifest = Manifest.read(mine[-1])
    assert (manifest.licence, manifest.author) == ("not stated", "not stated")
    # WHEN there is a file in the place of the folder
    with pytest.raises(CommandError, match="choose another folder"):
        write_pack(tmp_path / "photo.jpg", head, found, with_photos=True)
