"""The graphs of the rule say what chalicelib/model says. `GOLDEN=write` writes what the browser's tests expect, too."""

import json
import os
import re
from typing import Any, get_args

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.config.settings import ROOT
from chalicelib.model.certainty import Subject
from model.rule.build import RuleFiles
from tests.unit.model.rule.offline_cases import FILE, NOWHERE, Case, Golden

SESSIONS: dict[tuple[str, ...], onnxruntime.InferenceSession] = {}
TOLERANCE = 2e-4
"""Python counts in float32 until packs have scored a photo, and the graph from then on in float64."""


@pytest.fixture(scope="module")
def golden() -> Golden:
    return Golden(RuleFiles.of_release())


@pytest.fixture(scope="module")
def table(golden: Golden) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(golden.rule.files["rule.json"])
    return document


def run(golden: Golden, case: Case, packs: tuple[str, ...]) -> dict[str, Any]:
    """The outputs of the graph for a case."""
    if packs not in SESSIONS:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        SESSIONS[packs] = onnxruntime.InferenceSession(golden.rule.files[golden.rule.graphs[packs]], options)
    session = SESSIONS[packs]
    names = [each.name for each in session.get_outputs()]
    return dict(zip(names, session.run(names, golden.feeds(case, packs)), strict=True))


def expect_equal(golden: Golden, table: dict[str, Any], case: Case) -> None:
    """Compare the graph with Python."""

    def named(row: float) -> str | None:
        return None if row < 0 else table["taxa"]["id"][int(row)]

    found = golden.recognition(case)
    packs = tuple(each.pack.name for each in found.scores.packs)
    made, decision = run(golden, case, packs), found.decision
    subject = get_args(Subject)[int(made["subject"][0])]
    assert subject == case.sighting.subject(found.scores.animal_probability, golden.recogniser.naming.animal)
    prediction = decision.prediction
    taxa, lineage, row = table["taxa"], list[tuple[str, str, str]](), int(made["taxon"][0])
    while row >= 0:
        lineage.insert(0, (taxa["name"][row], taxa["scientific_name"][row], taxa["rank"][row]))
        row = taxa["parent"][row]
    assert lineage == ([tuple_of(each) for each in prediction.lineage] if prediction else [])
    assert made["score"][0] == pytest.approx(prediction.score if prediction else 0, abs=TOLERANCE)
    assert (made["level"][0] >= table["wide"]) == (prediction is not None and prediction.is_wide)
    if prediction:
        assert table["taxa"]["domestic"][int(made["taxon"][0])] == prediction.is_domestic
    assert [named(each) for each in made["perhaps"] if each >= 0] == [each.taxon for each in decision.perhaps]
    scores = [each.score for each in decision.perhaps]
    assert made["perhaps_scores"][: len(scores)] == pytest.approx(scores, abs=TOLERANCE)
    members = made["members"].reshape(-1, 3)
    for rows, expected, name in [
        (members[0], decision.members, prediction and prediction.taxon.name),
        *((rows, each.members, each.name) for rows, each in zip(members[1:], decision.perhaps, strict=False)),
    ]:
        ids, relatives = found.scores.taxonomy.taxon_ids, golden.rule.table.number_of
        known = [each.taxon for each in expected if each.taxon in ids or each.taxon not in relatives]
        said = [named(each) for each in rows if each >= 0 and table["taxa"]["name"][int(each)] != name]
        assert said == known
    looks_like = decision.looks_like and decision.looks_like.taxon
    assert named(made["looks_like"][0]) == looks_like
    assert bool(made["unexpected"][0]) == decision.is_unexpected
    assert bool(made["widened"][0]) == decision.is_widened
    positions = [golden.rule.table.position[each.taxon_id] for each in found.scores.taxonomy.animals]
    for name, expected_scores in (("scores", found.scores.probabilities), ("vision_scores", found.scores.vision)):
        np.testing.assert_allclose(made[name][positions], expected_scores, atol=TOLERANCE)
        assert np.delete(made[name], positions).sum() == 0


def tuple_of(taxon: Any) -> tuple[str, str, str]:
    return taxon.name, taxon.scientific_name, taxon.rank


def test_golden_answers_are_those_of_python(golden: Golden) -> None:
    # GIVEN real scores and places
    of_cases = ((case, json.loads(json.dumps(golden.answer(case)))) for case in golden.cases())
    answers = [{"photo": case.number, "place": case.place, **answer} for case, answer in of_cases]
    if os.environ.get("GOLDEN") == "write":
        text = json.dumps({**golden.document, "answers": answers}, ensure_ascii=False, separators=(",", ":"))
        FILE.write_text(text.replace('{"photo"', '\n{"photo"') + "\n", encoding="utf-8")
    # THEN
    assert json.loads(FILE.read_text(encoding="utf-8"))["answers"] == answers


def test_graphs_say_what_python_says_of_real_photos(golden: Golden, table: dict[str, Any]) -> None:
    for case in golden.cases():
        expect_equal(golden, table, case)


@given(
    seed=st.integers(0, 2**32 - 1),
    looks=st.integers(1, 2),
    peaks=st.integers(1, 6),
    height=st.floats(0, 12),
    boxes=st.tuples(*[st.floats(0, 1, width=32)] * 3),
    by_night=st.booleans(),
    place=st.integers(0, 4),
)
@settings(max_examples=40, deadline=None)
def test_graphs_say_what_python_says_of_any_scores(
    golden: Golden,
    table: dict[str, Any],
    seed: int,
    looks: int,
    peaks: int,
    height: float,
    boxes: tuple[float, ...],
    by_night: bool,
    place: int,
) -> None:
    # GIVEN scores that are a few peaks over noise, at any place
    random = np.random.default_rng(seed)
    sizes = {"vision": table["general"]["animals"], **{pack["name"]: pack["outputs"] for pack in table["packs"]}}
    scores = {}
    for name, size in sizes.items():
        logits = random.normal(0, 1, (looks, size))
        logits[:, random.integers(0, size, peaks)] += height
        shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        scores[name] = [(np.arange(size), each.astype(np.float32)) for each in shares]
    probabilities = random.random(looks).tolist()
    photo = {"animal_probability": probabilities, "boxes": boxes, "by_night": by_night, "scores": scores}
    where = [NOWHERE, *golden.document["places"]][place]
    # THEN
    expect_equal(golden, table, Case(0, photo, where, golden.features(where)))


def test_the_files_are_the_same_each_time(golden: Golden) -> None:
    assert RuleFiles.of_release().files == golden.rule.files
    # AND in each process: nothing has the order of a set
    covers = golden.rule.table.candidates(golden.rule.models.taxonomy).layout.covers
    assert all(members.tolist() == sorted(members.tolist()) for _, members in covers)
    # AND no graph has a Cast, which browsers compile at great cost
    graphs = [onnx.load_from_string(golden.rule.files[name]).graph for name in golden.rule.graphs.values()]
    assert "Cast" not in {node.op_type for graph in graphs for node in graph.node}


def test_the_table_has_wider_taxa_first_and_all_that_is_needed_of_each(golden: Golden, table: dict[str, Any]) -> None:
    taxa = table["taxa"]
    assert all(parent < row for row, parent in enumerate(taxa["parent"]))
    assert len({len(column) for column in taxa.values()}) == 1
    assert table["animals"]["id"] == [animal.id for animal in golden.rule.table.everything.animals]
    assert table["second_look"]["SURE"] == 0.8
    assert taxa["domestic"][taxa["id"].index("canis-familiaris")]


def test_every_constant_that_the_page_reads_is_in_the_table(table: dict[str, Any]) -> None:
    code = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "faunalens/web/page/src/offline").glob("*.js"))
    read = set(re.findall(r"\b(detector|recogniser|subject|naming|answers|words)\.([A-Z][A-Z_]+)\b", code))
    assert len(read) > 10
    assert {(part, name) for part, name in read if name not in table[part]} == set()
