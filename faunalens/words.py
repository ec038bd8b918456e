"""Words for people: numbers in sentences, and the texts, tables and templates that lie in files beside the code."""

import csv
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import Template

_VERBS = {"is": "are", "has": "have", "was": "were"}
_FORBIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def count(number: int, words: str, many: str = "") -> str:
    """Return how many there are of something, such as `2 photos`, with a verb if `words` (the singular) ends with one.

    `many`: the plural, if it is not the singular with an `s`.

    >>> count(0, "photo"), count(1, "photo has"), count(1200, "photo has"), count(2, "video was")
    ('0 photos', '1 photo has', '1,200 photos have', '2 videos were')
    >>> count(2, "taxon", "taxa"), count(1, "class is"), count(2, "class is", "classes are")
    ('2 taxa', '1 class is', '2 classes are')
    """
    if number == 1:
        return f"1 {words}"
    noun, _, verb = words.rpartition(" ")
    return f"{number:,} {many or (f'{noun}s {_VERBS[verb]}' if verb in _VERBS else f'{words}s')}"


def parts_of(path: Path) -> dict[str, str]:
    """Return the parts of a file, such as SQL statements, by name: each part follows a line `--: name`."""
    return dict(part.split("\n", 1) for part in path.read_text(encoding="utf-8").split("\n--: ")[1:])


def rows_of(path: Path) -> list[dict[str, str]]:
    """Return the rows, as values by column, of a CSV file that comes with the command."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def filled(template: Path, **values: Any) -> str:
    """Return a Jinja template filled with values, escaped for HTML and XML, without characters that XML forbids."""
    return _template(template).render(values)


@cache
def _template(path: Path) -> "Template":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # slow to import, for a small command

    def allowed(value: Any) -> Any:
        return type(value)(_FORBIDDEN.sub("", value)) if isinstance(value, str) else value

    made = Environment(
        loader=FileSystemLoader(path.parent),
        autoescape=True,
        finalize=allowed,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.policies["json.dumps_kwargs"] = {"allow_nan": False, "ensure_ascii": False}
    return made.get_template(path.name)
