"""Parameters of a stage: what its two templates declare, its file in stages/ says, and whoever deploys it chooses."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from infra.step import PreconditionFailed
from infra.wiring import joined

HERE = Path(__file__).parent
STACK, EDGE = "faunalens.yaml", "edge.yaml"

_GIVEN = ("Stage", "RestApiId")
"""Parameters of edge.yaml that the other parts know."""


def parameters_of(stage: str, chosen: Mapping[str, str]) -> dict[str, str]:
    """All parameters that a stage is made with. Raises `PreconditionFailed` for a stage or a parameter that there is not.

    Those that nobody chose are among them: for a stack that exists, CloudFormation takes the value that it has and not
    a template's default, so that what was taken out of stages/STAGE.json would stay.
    """
    path = HERE / "stages" / f"{stage}.json"
    if not path.is_file():
        raise PreconditionFailed(
            f"infra/stages has no {path.name}: the stage's parameters; docs/reference/infra.md lists them"
        )
    declared = declared_parameters()
    if unknown := sorted(chosen.keys() - declared.keys()):
        raise PreconditionFailed(f"there is no parameter {', '.join(unknown)}; there are {', '.join(sorted(declared))}")
    if wrong := [f"{name}={value}" for name, value in chosen.items() if not _is_taken(declared[name], value)]:
        raise PreconditionFailed(
            f"{', '.join(wrong)} is no number; docs/reference/infra.md says what each parameter is"
        )
    given: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))["Parameters"]
    defaults = {name: str(each["Default"]) for name, each in declared.items() if "Default" in each}
    parameters = {**defaults, **given, **chosen}
    if (named := parameters.get("Stage")) != stage:
        raise PreconditionFailed(f"the stage is {stage}, and all in the template has its name; say --stage {named}")
    return parameters


def those_of(template: str, parameters: Mapping[str, str]) -> dict[str, str]:
    """Those that one of the two templates declares, `STACK` or `EDGE`."""
    declared = read_template(template)["Parameters"]
    return {name: value for name, value in parameters.items() if name in declared}


def declared_parameters() -> dict[str, Any]:
    """All parameters of both templates, as they are declared."""
    edge = {name: each for name, each in read_template(EDGE)["Parameters"].items() if name not in _GIVEN}
    return joined(read_template(STACK)["Parameters"], edge)


def read_template(name: str) -> dict[str, Any]:
    """A template of this folder, read as Chalice reads the ones that it merges."""
    from chalice.package import YAMLTemplateSerializer

    document: dict[str, Any] = YAMLTemplateSerializer().load_template((HERE / name).read_text(encoding="utf-8"), name)
    return document


def _is_taken(declared: Mapping[str, Any], value: str) -> bool:
    return declared["Type"] != "Number" or re.fullmatch(r"\d+(\.\d+)?", value) is not None
