"""Response bodies as JSON."""

import json
from dataclasses import asdict

import pytest

from chalicelib.api.http import json_of
from chalicelib.api.responses import ModelUsed, PackUsed


def test_dataclasses_are_objects_however_deep_they_lie() -> None:
    model = ModelUsed("general", "1", (PackUsed("vögel", "2", 0.5),))
    assert json.loads(json_of(model)) == json.loads(json.dumps(asdict(model)))
    assert json_of({"models": [model]}) == f'{{"models":[{json_of(model)}]}}'
    assert "vögel" in json_of(model)


def test_what_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        json_of(PackUsed("birds", "2", float("nan")))
