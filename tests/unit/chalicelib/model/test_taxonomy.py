"""Taxonomy: both files become one tree, and the roll-up returns the most specific taxon with a sufficient share."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from chalicelib.errors import ModelError
from chalicelib.model.taxonomy import Node, Taxon, Taxonomy

MODEL = Path(__file__).parents[4] / "model"
TAXONOMY = Taxonomy.read(MODEL / "labels.csv", MODEL / "taxa.csv")
BY_NAME = {animal.name: animal for animal in TAXONOMY.animals}

type Weights = NDArray[np.float32]

# Most photos leave probability for a few animals only; any value may be among them.
few = st.dictionaries(st.integers(0, len(TAXONOMY.animals) - 1), st.floats(0, 1, width=32), max_size=6)
thresholds = st.floats(0, 1)


def probabilities(values: dict[int, float]) -> Weights:
    vector = np.zeros(len(TAXONOMY.animals), dtype=np.float32)
    for index, value in values.items():
        vector[index] = value
    return vector


def of(**values: float) -> Weights:
    return probabilities({BY_NAME[name.replace("_", " ")].output_index: value for name, value in values.items()})


def nodes(node: Node = TAXONOMY.root) -> Iterator[Node]:
    yield node
    for child in node.children:
        yield from nodes(child)


def members(node: Node) -> list[int]:
    return [int(index) for index in TAXONOMY.order[node.start : node.stop]]


# --- reading


def test_animals_come_in_output_order_with_their_lineage() -> None:
    # GIVEN the model's files; THEN the koala has its output index and its lineage from the phylum down
    koala = TAXONOMY.animals[105]
    assert (koala.id, koala.taxon_id, koala.output_index) == (105, "phascolarctos-cinereus", 105)
    assert (koala.name, koala.kind) == ("koala", "wild")
    assert [taxon.scientific_name for taxon in koala.lineage] == [
        "Chordata", "Mammalia", "Diprotodontia", "Phascolarctidae", "Phascolarctos", "Phascolarctos cinereus",
    ]  # fmt: skip
    assert koala.taxon == Taxon("koala", "Phascolarctos cinereus", "species")


def test_a_breed_lies_below_its_species() -> None:
    beagle = BY_NAME["beagle"]
    assert beagle.lineage[-2:] == (
        Taxon("dog", "Canis familiaris", "species"),
        Taxon("beagle", "Canis familiaris", "breed"),
    )


def test_the_tree_holds_every_animal_once_and_children_share_out_their_parent() -> None:
    assert sorted(TAXONOMY.order.tolist()) == list(range(len(TAXONOMY.animals)))
    for node in nodes():
        if node.children:
            assert [child.start for child in node.children[1:]] == [child.stop for child in node.children[:-1]]
            assert (node.children[0].start, node.children[-1].stop) == (node.start, node.stop)
        else:
            assert node.stop == node.start + 1


def test_every_node_is_in_the_lineage_of_all_its_animals() -> None:
    for node in nodes():
        for index in members(node):
            lineage = [(taxon.scientific_name, taxon.rank) for taxon in TAXONOMY.animals[index].lineage]
            assert (node.taxon.scientific_name, node.taxon.rank) in [("Animalia", "kingdom"), *lineage]


# --- ids


def test_ids_become_output_indices(tmp_path: Path) -> None:
    # GIVEN a model whose ids differ from its output indices, one of them the largest allowed
    cat = "2147483647,felis-catus,1,w1,cat,Felis catus,species,cat,P,C,,,F,Felis catus"
    dog = "7,canis-familiaris,0,w0,dog,Canis familiaris,species,dog,P,C,,,D,Canis familiaris"
    taxonomy = small(tmp_path, cat, dog)
    # THEN each id has its output index
    assert taxonomy.index_of == {2147483647: 1, 7: 0}
    assert [animal.id for animal in taxonomy.animals] == [7, 2147483647]


# --- roll-up


def test_a_certain_prediction_is_the_animal_itself() -> None:
    for animal in TAXONOMY.animals:
        prediction = TAXONOMY.roll_up(probabilities({animal.output_index: 1.0}), 0.7)
        assert prediction is not None
        assert prediction.taxon == Taxon(animal.name, animal.scientific_name, animal.rank)
        assert prediction.score == 1.0


@pytest.mark.parametrize(
    ("values", "name", "rank"),
    [
        (of(beagle=0.5, basset_hound=0.5), "dog", "species"),
        (of(beagle=0.4, coyote=0.4, red_fox=0.2), "dog, wolf or jackal", "genus"),
        (of(beagle=0.4, red_fox=0.4, lion=0.2), "dog, wolf or fox", "family"),
        (of(beagle=0.4, lion=0.4, sea_lion=0.2), "carnivore", "order"),
        (of(rooster=0.5, hen=0.5), "chicken", "species"),
        (of(grey_wolf=0.5, Arctic_wolf=0.5), "grey wolf", "species"),
        (of(grey_wolf=0.9, Arctic_wolf=0.1), "grey wolf", "species"),
        (of(grey_wolf=0.1, Arctic_wolf=0.9), "Arctic wolf", "subspecies"),
        (of(snail=0.9, slug=0.1), "snail", "class"),
        (of(snail=0.5, slug=0.5), "gastropod", "class"),
        (of(polar_bear=0.5, brown_bear=0.5), "bear", "genus"),
        (of(polar_bear=0.5, giant_panda=0.5), "bear", "family"),
        (of(tabby_cat=0.5, tiger_cat=0.5), "domestic cat", "species"),
        (of(domestic_pig=0.5, wild_boar=0.5), "pig", "genus"),
        (of(koala=0.5, tick=0.5), "animal", "kingdom"),
        (of(goldfinch=0.5, house_finch=0.5), "finch", "family"),
    ],
)
def test_an_uncertain_prediction_is_what_the_candidates_have_in_common(values: Weights, name: str, rank: str) -> None:
    prediction = TAXONOMY.roll_up(values, 0.7)
    assert prediction is not None
    assert (prediction.taxon.name, prediction.taxon.rank) == (name, rank)


def test_a_prediction_has_its_lineage_and_says_whether_it_is_domestic() -> None:
    def ends(*outputs: int) -> tuple[list[str], bool]:
        prediction = TAXONOMY.roll_up(probabilities(dict.fromkeys(outputs, 1.0)), 0.9)
        assert prediction is not None
        return [taxon.scientific_name for taxon in prediction.lineage[-2:]], prediction.is_domestic

    output = {animal.name: animal.output_index for animal in TAXONOMY.animals}
    # GIVEN an animal, two breeds, a family with wild and domestic animals, and all that the root has in common
    assert ends(output["jaguar"]) == (["Panthera", "Panthera onca"], False)
    assert ends(output["Chihuahua"], output["toy terrier"]) == (["Canis", "Canis familiaris"], True)
    assert ends(output["tabby cat"], output["jaguar"]) == (["Carnivora", "Felidae"], False)
    assert ends(output["jaguar"], output["American lobster"]) == ([], False)


def test_a_tie_goes_to_the_first_child() -> None:
    prediction = TAXONOMY.roll_up(of(koala=0.5, tick=0.5), 0.5)
    assert prediction is not None
    assert prediction.taxon.name == "koala"


@pytest.mark.parametrize("nothing", [0.0, -1.0, np.nan, -np.inf, np.inf])
def test_no_usable_probability_is_no_prediction(nothing: float) -> None:
    vector = np.full(len(TAXONOMY.animals), nothing, dtype=np.float32)
    assert TAXONOMY.roll_up(vector, 0.7) is None


@pytest.mark.parametrize("broken", [np.nan, np.inf, -np.inf, -5.0])
def test_broken_values_count_as_zero(broken: float) -> None:
    assert TAXONOMY.roll_up(of(koala=0.9, tick=broken), 0.7) == TAXONOMY.roll_up(of(koala=0.9), 0.7)


@given(few, thresholds)
def test_only_the_taxon_itself_has_a_sufficient_share(values: dict[int, float], threshold: float) -> None:
    # GIVEN any probabilities and any threshold
    vector = probabilities(values)
    prediction = TAXONOMY.roll_up(vector, threshold)
    total = float(vector.sum(dtype=np.float64))
    assert (prediction is None) == (total == 0)
    if prediction is None:
        return
    # THEN the taxon reaches the threshold or is the root, and none of its children reaches it
    node = next(each for each in nodes() if each.taxon is prediction.taxon)
    share = float(vector[members(node)].sum(dtype=np.float64)) / total
    assert prediction.score == pytest.approx(share)
    assert share >= threshold - 1e-9 or node is TAXONOMY.root
    for child in node.children:
        assert float(vector[members(child)].sum(dtype=np.float64)) / total <= threshold + 1e-9


@given(arrays(np.float32, len(TAXONOMY.animals), elements=st.floats(width=32)), thresholds)
def test_any_values_give_a_share_or_none(vector: Weights, threshold: float) -> None:
    prediction = TAXONOMY.roll_up(vector, threshold)
    assert prediction is None or 0 < prediction.score <= 1


# --- invalid files

LABELS = "id,taxon,output_index,wnid,name,scientific_name,rank,kind,phylum,class,order,family,genus,species"
TAXA = (
    "scientific_name,rank,name\nAnimalia,kingdom,animal\nP,phylum,p\nC,class,c\nF,genus,small cat\nD,genus,dog\n"
    "Felis catus,species,cat\nCanis familiaris,species,dog\n"
)
CAT = "0,felis-catus,0,w0,cat,Felis catus,species,cat,P,C,,,F,Felis catus"


def small(folder: Path, *rows: str, header: str = LABELS, taxa: str = TAXA) -> Taxonomy:
    (folder / "labels.csv").write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    (folder / "taxa.csv").write_text(taxa, encoding="utf-8")
    return Taxonomy.read(folder / "labels.csv", folder / "taxa.csv")


def test_the_byte_order_mark_of_spreadsheets_is_ignored(tmp_path: Path) -> None:
    assert small(tmp_path, CAT, header="\ufeff" + LABELS, taxa="\ufeff" + TAXA).animals == small(tmp_path, CAT).animals


def test_a_model_of_one_animal_works(tmp_path: Path) -> None:
    taxonomy = small(tmp_path, CAT)
    prediction = taxonomy.roll_up(np.array([0.2], dtype=np.float32), 0.7)
    assert prediction is not None
    assert prediction.taxon == Taxon("cat", "Felis catus", "species")


def cat(old: str, new: str) -> str:
    """Return the row of the cat with another field."""
    assert old in CAT
    return CAT.replace(old, new, 1)


NUMBER = "expected a whole number from 0 to 2147483647"


@pytest.mark.parametrize(
    ("rows", "files", "message"),
    [
        ([CAT], {"header": LABELS.replace("wnid", "synset")}, "labels.csv has the columns"),
        ([CAT + ",more"], {}, "line 2 of labels.csv has 15 fields; expected 14"),
        ([cat("P,", "Porifera,")], {}, "no row for 'Porifera'"),
        ([cat("catus,0", "catus,1")], {}, "must count from 0"),
        ([], {}, "must count from 0"),
        ([cat("0,", "x,")], {}, f"id of 'cat' in labels.csv is 'x'; {NUMBER}"),
        ([cat("0,", "-1,")], {}, f"id of 'cat' in labels.csv is '-1'; {NUMBER}"),
        ([cat("0,", f"{2**31},")], {}, f"labels.csv is '2147483648'; {NUMBER}"),
        ([cat("catus,0", "catus,x")], {}, "output_index of 'cat' in labels.csv is 'x'; expected a whole number"),
        (
            [cat(",cat,P", ",tame,P")],
            {},
            "kind of 'cat' in labels.csv is 'tame'; expected one of wild, marine, extinct, dog",
        ),
        ([CAT, cat("0,felis-catus,0", "0,other,1")], {}, "uses an id or a taxon twice"),
        ([CAT, cat("0,felis-catus,0", "1,felis-catus,1")], {}, "uses an id or a taxon twice"),
        (
            [cat("felis-catus", "Felis catus")],
            {},
            "taxon of 'cat' in labels.csv is 'Felis catus'; expected its scientific",
        ),
        ([CAT], {"taxa": TAXA.replace("Animalia", "Plantae")}, "no row for Animalia"),
        ([CAT], {"taxa": ""}, "taxa.csv is not a CSV file with a header"),
    ],
)
def test_an_invalid_file_is_named_with_the_problem(
    tmp_path: Path, rows: list[str], files: dict[str, str], message: str
) -> None:
    with pytest.raises(ModelError, match=message):
        small(tmp_path, *rows, **files)


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be read"):
        Taxonomy.read(tmp_path / "labels.csv", tmp_path / "taxa.csv")
