import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from infra import template
from infra.step import PreconditionFailed
from infra.template import merge_unique, parameters_of, refers_to, substitute_refs
from infra.template.pipeline import merge_template


def write(folder: Path, monkeypatch: pytest.MonkeyPatch, **parameters: Any) -> None:
    """Copy infra/ with these parameters in stages/dev.json, and let it be read from there."""
    (folder / "stages").mkdir(parents=True)
    for path in template.INFRA.glob("*.yaml"):
        shutil.copy(path, folder)
    document = {"Parameters": {"Stage": "dev", **parameters}}
    (folder / "stages" / "dev.json").write_text(json.dumps(document), encoding="utf-8")
    monkeypatch.setattr(template, "INFRA", folder)


def test_a_stages_file_may_have_numbers_of_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN numbers and a truth without quotes
    write(tmp_path, monkeypatch, BudgetDollars=200, DatabaseMinCapacity=0.5, DatabaseProtected=False)
    found = parameters_of("dev", {})
    # THEN they are the text that CloudFormation takes, and numbers in the template
    assert (found["BudgetDollars"], found["DatabaseMinCapacity"], found["DatabaseProtected"]) == ("200", "0.5", "false")
    assert merge_template("dev", found)["Parameters"]["BudgetDollars"]["Default"] == 200
    # AND a name that no template has is refused as on the command line
    write(tmp_path / "wrong", monkeypatch, AlarmMail="me@example.org")
    with pytest.raises(PreconditionFailed, match="unknown parameter AlarmMail"):
        parameters_of("dev", {})


def test_references_to_a_name_are_renamed_everywhere() -> None:
    # GIVEN a resource with a reference alone, one in a text, and others whose names begin alike
    resource = {"Id": {"Ref": "Api"}, "Arns": [{"Fn::Sub": "a/${Api}/${ApiKey}/${Stage}"}], "Other": {"Ref": "ApiKey"}}
    # THEN only references to that name change
    expected = {"Id": {"Ref": "R"}, "Arns": [{"Fn::Sub": "a/${R}/${ApiKey}/${Stage}"}], "Other": {"Ref": "ApiKey"}}
    assert substitute_refs(resource, {"Api": "R"}) == expected
    assert refers_to(resource, "Api")
    assert not refers_to(expected, "Api")


def test_a_duplicate_name_is_an_error() -> None:
    with pytest.raises(ValueError, match="two parts of the template define Cache; rename one"):
        merge_unique({"Cache": {}, "Photos": {}}, {"Cache": {}})
