"""Read the templates in infra/, with a stage's parameters.

The parameters of a stage are the defaults of the templates, overridden by stages/STAGE.json, then by `--set`.
"""

import json
import re
from collections.abc import Collection, Mapping
from copy import deepcopy
from functools import cache
from typing import Any

from chalicelib.config.settings import ROOT
from infra.step import PreconditionFailed

INFRA = ROOT / "infra"
STACK, EDGE, STREAM = "faunalens.yaml", "edge.yaml", "stream.yaml"
WEB, BACKFILL = "web.yaml", "backfill.yaml"
RELEASE, PACKAGES, FUNCTIONS = "release.yaml", "packages.yaml", "functions.yaml"

_BESIDE = (WEB, BACKFILL)  # templates of stacks of their own

_SHARED = ("Stage", "LogDays", "PermissionsBoundary")  # parameters that the whole template has already

_INLINE = re.compile(r"(?<=ZipFile: )infra/\w+\.py")


def parameters_of(stage: str, chosen: Mapping[str, str]) -> dict[str, str]:
    """Return all parameters of a stage. Raise `PreconditionFailed` for an unknown stage or parameter.

    The result includes the defaults, because CloudFormation keeps the earlier value of a parameter that is not passed:
    a value that was removed from stages/STAGE.json would stay.
    """
    path = INFRA / "stages" / f"{stage}.json"
    if not path.is_file():
        advice = "create it as docs/reference/infra.md describes"
        raise PreconditionFailed(f"infra/stages/{path.name} does not exist; {advice}")
    beside = {name: each for template in _BESIDE for name, each in read_template(template)["Parameters"].items()}
    declared = {**beside, **declared_parameters()}
    kept: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))["Parameters"]
    given = {name: each if isinstance(each, str) else json.dumps(each, allow_nan=False) for name, each in kept.items()}
    given |= chosen
    if unknown := sorted(given.keys() - declared.keys()):
        raise PreconditionFailed(f"unknown parameter {', '.join(unknown)}; expected {', '.join(sorted(declared))}")
    numbers = {name: value for name, value in given.items() if declared[name]["Type"] == "Number"}
    if wrong := [f"{name}={value}" for name, value in numbers.items() if not re.fullmatch(r"\d+(\.\d+)?", value)]:
        raise PreconditionFailed(f"{', '.join(wrong)} is not a number; docs/reference/infra.md explains each parameter")
    parameters = {name: str(each["Default"]) for name, each in declared.items() if "Default" in each} | {**given}
    if (named := parameters.get("Stage")) != stage:
        raise PreconditionFailed(f"parameter Stage is {named}, but the stage is {stage}; pass --stage {named}")
    return parameters


def only(declared: Collection[str], parameters: Mapping[str, str]) -> dict[str, str]:
    """Return the `parameters` that a template declares (`declared`): CloudFormation refuses others."""
    return {name: value for name, value in parameters.items() if name in declared}


def declared_parameters() -> dict[str, Any]:
    """Return the parameter declarations of all templates that are merged into a stage's template."""
    others = (read_template(part)["Parameters"].items() for part in (EDGE, STREAM, RELEASE))
    own = {name: each for some in others for name, each in some if name not in _SHARED}
    return merge_unique(read_template(STACK)["Parameters"], own)


def read_template(name: str) -> dict[str, Any]:
    """Read a template in infra/, with its functions' code, as `chalice package --merge-template` would parse it."""
    return deepcopy(_parsed(name))  # callers change theirs; parsing one again takes a hundred times as long


@cache
def _parsed(name: str) -> dict[str, Any]:
    from chalice.package import YAMLTemplateSerializer

    text = (INFRA / name).read_text(encoding="utf-8")
    text = _INLINE.sub(lambda found: json.dumps((ROOT / found[0]).read_text(encoding="utf-8"), allow_nan=False), text)
    document: dict[str, Any] = YAMLTemplateSerializer().load_template(text, name)
    return document


def as_text(template: Mapping[str, Any]) -> str:
    """Return a template as JSON text, which CloudFormation accepts like YAML."""
    return json.dumps(template, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def merge_unique(*sections: Mapping[str, Any]) -> dict[str, Any]:
    """Merge sections of a template. Raise `ValueError` if two sections have the same key."""
    merged: dict[str, Any] = {}
    for section in sections:
        if twice := merged.keys() & section.keys():
            raise ValueError(f"two parts of the template define {', '.join(sorted(twice))}; rename one")
        merged |= section
    return merged
