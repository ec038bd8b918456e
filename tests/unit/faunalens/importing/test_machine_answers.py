"""Many photos are weighed by other processes."""

import json
from pathlib import Path
from typing import Any

import pytest

from faunalens.cli.__main__ import run
from faunalens.engines.place import NONE
from faunalens.errors import Exit
from faunalens.importing import machine_answers
from faunalens.study.results import ResultsFile
from tests.stand_ins import KIT_FOX
from tests.support import tiny_model
from tests.support.studies import PHOTOS, say, seen, write_study

SCORES = {path: score / 10 for score, (path, *_) in enumerate(PHOTOS, 2)}


def test_what_people_named_in_an_export_of_our_own_is_no_answer_of_a_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN an export for MegaDetector's friends, of which a person has named a photo
    study, file = tmp_path / "study.db", tmp_path / "md.json"
    write_study(study, PHOTOS, (), NONE)
    with ResultsFile(study, write=True) as results:
        say(results, PHOTOS[0][0], seen("Panthera leo"))
    assert run(["export", str(study), "--megadetector", str(file)]) == Exit.DONE
    monkeypatch.setenv("MODEL_PATH", str(tiny_model.write(tmp_path, tiny_model.tiny_model())))
    # WHEN it is imported THEN that photo keeps the answer that it had, and the others have those of the file
    assert run(["import", str(study), str(file)]) == Exit.SOME_FAILED
    with ResultsFile(study, write=False) as results:
        made_by = [
            name for (name,) in results.rows("select answer ->> '$.model.name' from photo where answer is not null")
        ]
    assert (made_by[0], set(made_by[1:])) == ("tiny", {"tiny 123456789abc"})
    assert "without a model's answer in the file: named by A. Person; import reviews" in capsys.readouterr().err


@pytest.mark.parametrize("has_model", [True, False])
def test_other_processes_give_the_same_answers_in_the_same_order(
    tmp_path: Path, has_model: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN predictions in batches, for a study without places
    study = tmp_path / "study.db"
    write_study(study, PHOTOS, (), NONE)
    rows = [{"filepath": path, "classifications": {"classes": [KIT_FOX], "scores": [p]}} for path, p in SCORES.items()]
    (tmp_path / "net.json").write_text(json.dumps({"predictions": rows}))
    model = tiny_model.write(tmp_path, tiny_model.tiny_model()) if has_model else tmp_path / "none.onnx"
    monkeypatch.setenv("MODEL_PATH", str(model))
    monkeypatch.setattr(machine_answers, "BATCH", 2)
    monkeypatch.setattr("os.process_cpu_count", lambda: 2)

    def answers(many: int) -> dict[str, Any]:
        monkeypatch.setattr(machine_answers, "MANY", many)
        done = Exit.DONE if has_model else Exit.FAILED
        assert run(["import", str(study), str(tmp_path / "net.json")]) == done
        with ResultsFile(study, write=False) as results:
            rows = results.rows("select path, answer from photo where answer is not null")
            return {path: json.loads(answer) | {"request_id": ""} for path, answer in rows}

    # WHEN another process weighs them THEN they are answered as this one does; without a model, both fail
    here = answers(many=100)
    assert ("photos have no place, so the scores alone decide" in capsys.readouterr().err) == has_model
    assert answers(many=0) == here
    if has_model:
        assert {path: each["candidates"][0]["vision_score"] for path, each in here.items()} == SCORES
