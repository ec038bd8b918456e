"""Which photos to identify again though they have an answer, and which models a study's answers are from."""

import json
from collections.abc import Callable, Mapping
from typing import Any, Literal

from cli.deployments import corrected
from cli.results import QUERIES, ResultsFile, now

Again = Literal["all", "outdated"]

_MARK = """
update photo set state = 'new', checksum = null
where answer is not null and state in ('done', 'touched') and path in (select path from temp.listed) and
"""
_OTHERS = "select 1 from photo where answer is not null and path not in (select path from temp.listed) limit 1"
SINCE, MODELS = "again", "models"
"""Facts about a study: when the run that does all again began, until it ends; and which models its answers had."""


def mark(results: ResultsFile, again: Again | None, versions: Callable[[], dict[str, str]], *, boxes: bool) -> None:
    """Mark photos to be identified again, of those that were listed for this run.

    `versions`: called for those of the models at hand. `boxes`: mark photos whose answer has none.
    """
    known = results.study()
    models = versions() if again or MODELS not in known else {}
    since = (known.get(SINCE) or now()) if again == "all" else ""
    has_more = bool(set(models) - set(known.get(MODELS, "").split("\n"))) and MODELS in known

    def is_outdated(answer: str, taken: str | None, shift: float) -> str | None:
        return "yes" if has_more or _is_outdated(json.loads(answer), taken, shift, models) else None

    results.define("is_outdated", is_outdated)
    results.describe(**{SINCE: since})
    with results.transaction() as connection:
        if again == "all":
            connection.execute(f"{_MARK} identified <= ?", (since,))
        if again == "outdated":
            connection.execute(f"{_MARK} is_outdated(answer, taken, shift) is not null")
        if boxes:
            connection.execute(f"{_MARK} answer ->> '$.animals' is null")
    if models and (MODELS not in known or next(results.rows(_OTHERS), None) is None):
        results.describe(**{MODELS: "\n".join(models)})


def _is_outdated(answer: Mapping[str, Any], taken: str | None, shift: float, models: Mapping[str, str]) -> bool:
    """Return whether other models or data are at hand now, or the photo's corrected time is in another month."""
    model, features = answer["model"], answer["features"]
    used = {each["name"]: each["version"] for each in (model, *model.get("packs", ()))}
    used |= {"data": features["version"]} if "data" in models and features.get("version") else {}
    month = features.get("month")
    is_other = month and taken and corrected(taken, shift).month != month
    return bool(is_other) or any(models.get(name) != version for name, version in used.items())


def mixture(results: ResultsFile) -> str:
    """Return what a mixed study is made of, as a sentence; empty if it is not mixed."""
    if len(made := made_by(results)) < 2:
        return ""
    parts = ", ".join(f"{count:,} by {name}" for name, count in made.items())
    return f"the study is mixed: {parts}; --again outdated, or --boxes, makes it one"


def made_by(results: ResultsFile) -> dict[str, int]:
    """Return the number of photos by the model of their answer, the most first. Several make a mixed study."""
    rows = results.rows(QUERIES["models"])
    return {f"{name} {version} {boxes}": count for name, version, boxes, count in rows}
