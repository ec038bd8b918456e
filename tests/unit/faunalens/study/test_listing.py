"""Photos that are identified again."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from faunalens.study.clocks import made_by
from faunalens.study.listing import SINCE, Again, mark
from faunalens.study.moved import find_below
from faunalens.study.results import FileFacts, ListedPhoto, Outcome, ResultsFile
from tests.support.studies import IMPALA, answer

MODELS = {"tiny": "123456789abc", "data": "1"}


@pytest.fixture
def run(results: ResultsFile, tmp_path: Path) -> Callable[..., list[str]]:
    """List photos, with an answer each, and return which a run identifies. `stop`: after so many."""

    def run(
        photos: dict[str, dict[str, Any]],
        again: Again | None = None,
        models: dict[str, str] = MODELS,
        *,
        boxes: bool = False,
        stop: int = 9,
    ) -> list[str]:
        find_below(results, tmp_path, (ListedPhoto(path, 1, 1, None, None, None) for path in photos))
        mark(results, again, lambda: models, boxes=boxes)
        tasks = list(results.tasks())
        for number, task in enumerate(tasks[:stop]):
            text = answer(IMPALA, **{"features": {"mode": "narrowed", "version": "1"}, **photos[task.path]})
            made = f"2026-05-0{1 + 2 * (again is not None)}T00:00:0{number}"
            facts = FileFacts(1, 1, "2026-05-02 06:00:00")
            results.save(Outcome(task, "done", 1, 1, task.id, facts, text, identified=made))
        if len(tasks) <= stop:
            results.describe(**{SINCE: ""})
        return [task.path for task in tasks]

    return run


def test_all_are_done_again_once_also_after_a_stop(results: ResultsFile, run: Callable[..., list[str]]) -> None:
    # GIVEN photos that are done, and a run that does all again and is stopped
    photos: dict[str, dict[str, Any]] = {"a": {}, "b": {}, "c": {}}
    assert run(photos) == ["a", "b", "c"]
    results.describe(**{SINCE: "2026-05-02T00:00:00"})
    assert run(photos, "all", stop=1) == ["a", "b", "c"]
    # THEN the same command goes on, and begins anew once it has ended
    assert run(photos, "all") == ["b", "c"]
    assert run(photos) == []
    assert run({"a": {}}, "all") == ["a"]


@pytest.mark.parametrize(
    ("models", "made", "expected"),
    [
        (MODELS, {}, []),
        ({**MODELS, "tiny": "2"}, {}, ["a"]),
        ({**MODELS, "data": "2"}, {}, ["a"]),
        ({"tiny": "123456789abc"}, {}, []),  # the data of a database are not known
        ({**MODELS, "birds": "1"}, {}, ["a"]),  # a new pack
        (MODELS, {"features": {"mode": "narrowed", "version": "1", "month": 5}}, []),
        (MODELS, {"features": {"mode": "narrowed", "version": "1", "month": 4}}, ["a"]),  # the clock was corrected
    ],
)
def test_only_what_other_models_would_change_is_outdated(
    run: Callable[..., list[str]], models: dict[str, str], made: dict[str, Any], expected: list[str]
) -> None:
    run({"a": made})
    assert run({"a": made}, None, models) == []
    assert run({"a": made}, "outdated", models) == expected


def test_what_a_run_does_not_list_stays_outdated(run: Callable[..., list[str]]) -> None:
    # GIVEN a release with one more pack, and a run of one of two photos
    run({"a": {}, "b": {}})
    more = {**MODELS, "birds": "1"}
    assert run({"a": {}}, "outdated", more) == ["a"]
    # THEN the other one is still outdated; once all were listed, none is
    assert run({"a": {}, "b": {}}, "outdated", more) == ["a", "b"]
    assert run({"a": {}, "b": {}}, "outdated", more) == []


def test_boxes_are_added_where_there_are_none(results: ResultsFile, run: Callable[..., list[str]]) -> None:
    # GIVEN photos that were identified without boxes, and with those of two detectors THEN the study is mixed
    boxes: dict[str, Any] = {"animals": []}
    pack = {"name": "megadetector", "version": "v5a.0.1", "milliseconds": 0.0}
    others = boxes | {"model": {"name": "tiny", "version": "123456789abc", "packs": [pack]}}
    run({"a": {}, "b": {}, "c": boxes, "d": others})
    made = {" by megadetector v5a.0.1": 1, "": 1}
    expected = {f"tiny 123456789abc with boxes{by}": number for by, number in made.items()}
    assert made_by(results) == {"tiny 123456789abc without boxes": 2} | expected
    # WHEN all are asked for boxes THEN only those without are done again
    assert run({"a": boxes, "b": boxes, "c": boxes, "d": boxes}, boxes=True) == ["a", "b"]
    assert made_by(results).keys() == expected.keys()
