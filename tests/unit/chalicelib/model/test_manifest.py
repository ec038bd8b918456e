"""Manifests of packs: what they say, and every fault of one named at once."""

from pathlib import Path

import pytest

from chalicelib.config.settings import ROOT
from chalicelib.errors import ModelError
from chalicelib.model.manifest import Manifest, Weights
from tests.support.tiny_model import PACK_MANIFEST
from tests.unit.chalicelib.model.tiny_head import HEAD_MANIFEST

OWN = sorted((ROOT / "model" / "packs").glob("*.toml"))


def read(folder: Path, text: str, name: str = "foxes") -> Manifest:
    path = folder / f"{name}.toml"
    path.write_text(text)
    return Manifest.read(path)


def test_a_manifest_with_its_defaults(tmp_path: Path) -> None:
    # GIVEN no manifest, and one without what is optional
    with pytest.raises(ModelError, match=r"foxes\.toml cannot be read \(No such file or directory\)"):
        Manifest.read(tmp_path / "foxes.toml")
    manifest = read(tmp_path, PACK_MANIFEST)
    # THEN its files lie beside it, and the rest has the defaults
    assert (manifest.name, manifest.kind, manifest.taxa, manifest.gate) == ("foxes", "classifier", ("Mammalia",), 0.5)
    assert (manifest.model, manifest.labels) == (tmp_path / "foxes.onnx", tmp_path / "foxes.csv")
    assert (manifest.size, manifest.crop, manifest.resampling) == (8, 0.875, "bilinear")
    assert (manifest.weights, manifest.background) == (None, None)
    # AND weights have an address
    weights = f'[weights]\nrepository = "a/b.c"\ncommit = "{"0" * 40}"\npath = "x/y"\nsha256 = "{"1" * 64}"\n'
    assert read(tmp_path, f"{PACK_MANIFEST}\n{weights}").weights == Weights("a/b.c", "0" * 40, "x/y", "1" * 64)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"classifier"', '"oracle"', 'kind is \'oracle\'; expected "classifier" or "detector" or "head"$'),
        ("enabled = true", 'enabled = "yes"', "enabled is 'yes'; expected true or false"),
        ("gate = 0.5", "gate = 50", "gate is 50; expected a number above 0, at most 1"),
        ("gate = 0.5", "gate = nan", "gate is nan; expected a number above 0, at most 1"),
        ("gate = 0.5", "gate = true", "gate is True; expected a number above 0, at most 1"),
        ("temperature = 1.0", "", "temperature is missing; expected a number above 0, at most 10"),
        ('["Mammalia"]', '"Mammalia"', "taxa is 'Mammalia'; expected a list of scientific names"),
        ('["Mammalia"]', "[]", r"taxa is \[\]; expected a list of scientific names"),
        ("size = 8", "size = 8.0", "input.size is 8.0; expected a whole number from 1 to 1024"),
        ("size = 8", 'size = 8\nresampling = "area"', "input.resampling is 'area'; expected bilinear, bicubic,"),
        ("[input]\nsize = 8", "", r"table \[input\] is missing; add it"),
        ('"foxes.csv"', '"../foxes.csv"', r"outputs.labels is '\.\./foxes.csv'; expected a file name in the pack's"),
        ('"foxes.csv"', '"foxes.csv"\nbackground = -1', "outputs.background is -1; expected the index of an output"),
        ("gate = 0.5", "gate = 0.5\ngait = 0.5", "gait is unknown for a classifier; expected kind, enabled"),
        ("[outputs]", '[weights]\nrepository = "a"\n[outputs]', "weights.repository is 'a'; expected \"owner/name\""),
        ("[outputs]", '[weights]\npath = "/a"\n[outputs]', "weights.path is '/a'; expected a path inside the"),
        ('kind = "classifier"', 'kind = "detector"', "gate is unknown for a detector"),
        ("gate = 0.5", "gate = 0.5\ncamera_traps = true", "camera_traps is unknown for a classifier"),
        ("gate = 0.5", "gate = ", "foxes.toml is not a TOML file"),
        ("gate = 0.5", "gate = 0.5\ninput = 3\n[other]", "foxes.toml is not a TOML file|input is 3; expected a table"),
    ],
)
def test_faults_are_named(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in PACK_MANIFEST
    with pytest.raises(ModelError, match=message):
        read(tmp_path, PACK_MANIFEST.replace(old, new))


HEAD = HEAD_MANIFEST.replace("GENERAL", "0123456789ab")


def test_a_head_has_places_and_thresholds(tmp_path: Path) -> None:
    more = 'night = true\nareas = ["US"]\ncells = ["8029fffffffffff"]\n[outputs]'
    manifest = read(tmp_path, HEAD.replace("[outputs]", more))
    assert (manifest.kind, manifest.general, manifest.night) == ("head", "0123456789ab", True)
    assert (manifest.areas, manifest.cells) == (("US",), ("8029fffffffffff",))
    assert manifest.thresholds == {"vulpes-lagopus": 0.6}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("0123456789ab", "1.0", "general is '1.0'; expected 12 hex digits"),
        ("[outputs]", 'cells = ["8429fffffffffff"]\n[outputs]', "expected a list of H3 cells of resolution 0 to 3"),
        ("[outputs]", "taxa = []\n[outputs]", "taxa is unknown for a head"),
        ("[outputs]", "[input]\nsize = 8\n[outputs]", r"table \[input\] is unknown for a head; leave it out"),
        ("0.6", "95", "thresholds.vulpes-lagopus is 95; expected a number above 0, at most 1"),
    ],
)
def test_faults_of_a_head_are_named(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in HEAD
    with pytest.raises(ModelError, match=message):
        read(tmp_path, HEAD.replace(old, new))


def test_all_faults_are_named_at_once(tmp_path: Path) -> None:
    # GIVEN a manifest that is empty, with a name that none has; WHEN it is read
    with pytest.raises(ModelError) as caught:
        read(tmp_path, "", "My Foxes")
    # THEN there is a line for each fault
    lines = str(caught.value).splitlines()
    assert lines[0].endswith("the name of a pack is 'My Foxes'; expected lower-case letters, digits and underscores")
    assert [line.partition(": ")[0] for line in lines] == ["My Foxes.toml"] * (1 + 2 + 7)


@pytest.mark.parametrize("path", OWN, ids=lambda path: path.stem)
def test_the_projects_own_manifests_are_valid(path: Path) -> None:
    # GIVEN the packs of the project; THEN each has weights of a commit or is a head, and only what was measured is on
    manifest = Manifest.read(path)
    assert (manifest.weights is None) == (manifest.kind == "head")
    assert manifest.licence == ("MIT" if manifest.camera_traps else "Apache-2.0")
    assert manifest.enabled == (path.stem in {"birds", "insects", "detector", "camera_traps", "night_mammals"})
    assert manifest.enabled or "Untested here and off" in path.read_text(encoding="utf-8")
