"""What an export says about the study: title, people, licences and project, from a JSON file that the user may give."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from faunalens.errors import CommandError

KEYS = frozenset(
    {"title", "description", "contributors", "licenses", "project", "homepage", "keywords", "id", "version"}
)
"""Keys that the file may have: the ones of Camtrap DP's datapackage.json whose values only people know."""
EXAMPLES = {
    "contributors": '[{"title": "A. Person", "role": "contact"}]',
    "licenses": '[{"name": "CC0-1.0", "scope": "data"}]',
    "project": '{"title": "Creek"}',
}


@dataclass(frozen=True, slots=True)
class Description:
    """What people say about a study: title, contributors and the like. `given`: values by key of datapackage.json."""

    title: str
    given: Mapping[str, Any]

    @property
    def name(self) -> str:
        """Return the title as datapackage.json wants its `name`: in lower-case letters, digits and hyphens."""
        return re.sub(r"[^a-z0-9]+", "-", self.title.lower()).strip("-") or "study"

    @property
    def contributors(self) -> list[dict[str, str]]:
        """Return the contributors. There is at least one, because the formats demand it."""
        return list(self.given.get("contributors", [{"title": "not stated"}]))

    @property
    def licence(self) -> str:
        """Return the address or the name of the data's licence; empty if no licence is stated."""
        stated = [each for each in self.given.get("licenses", []) if each.get("scope") == "data"]
        return str(stated[0].get("path") or stated[0].get("name", "")) if stated else ""

    @property
    def project(self) -> dict[str, Any]:
        """Return the project, with the fields that Camtrap DP demands."""
        required = {
            "title": self.title,
            "samplingDesign": "opportunistic",
            "captureMethod": ["activityDetection"],
            "individualAnimals": False,
        }
        return {**required, **self.given.get("project", {}), "observationLevel": ["media", "event"]}


def read_description(path: Path | None, folder: str) -> Description:
    """Read the description of a study from a JSON file, if there is one. Raises `CommandError` if the file is faulty.

    `folder`: the study's folder, whose name is the title if the file gives none.
    """
    title = Path(folder).name or "Camera trap study"
    if path is None:
        return Description(title, {})
    try:
        given = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise CommandError(f"{path} cannot be read as JSON: {error}") from error
    if not isinstance(given, dict) or (strange := given.keys() - KEYS):
        found = f"has {', '.join(sorted(strange))}" if isinstance(given, dict) else "is not an object"
        raise CommandError(f"{path} {found}; expected an object with {', '.join(sorted(KEYS))}")
    people = given.get("contributors", [{"title": ""}])
    are_valid = {  # without these, an export stops; the formats' validators find all other faults
        "contributors": people and _are_objects(people) and all(isinstance(each.get("title"), str) for each in people),
        "licenses": _are_objects(given.get("licenses", [])),
        "project": isinstance(given.get("project", {}), dict),
    }
    if fault := next((key for key, is_valid in are_valid.items() if not is_valid), None):
        raise CommandError(f"{path}: {fault} is not as in datapackage.json; expected, for example, {EXAMPLES[fault]}")
    return Description(str(given.get("title", title)), given)


def _are_objects(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, dict) for each in value)
