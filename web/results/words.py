"""The words of result pages in each language, from the same files as those of the page of the API."""

import json
import re
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

_PAGE = Path(__file__).parents[1] / "page"
_VALUE = re.compile(r"\{(\w+)\}")


class Words:
    """The words of a language. `name`: its code in a `lang` attribute. `direction`: ltr or rtl."""

    def __init__(self, language: str) -> None:
        found = json.loads((_PAGE / "words" / f"{language}.json").read_text(encoding="utf-8"))
        self.name, self.direction = str(found["html"]["lang"]), str(found["html"]["dir"])
        self._own, self._shared = found["result"], found["script"]
        names = _PAGE / "names" / f"{language}.json"
        sources = json.loads(names.read_text(encoding="utf-8")) if names.exists() else None
        self._names = sources and {**sources["birdnet"], **sources["own"]}

    def own(self, key: str, **values: object) -> str:
        """Return words of result pages. `values` replace their names in braces; `count` selects the plural."""
        return _filled(self._own[key], values)

    def shared(self, key: str, **values: object) -> str:
        """Return words of the page of the API, or an empty string if it has none with this key."""
        return _filled(self._shared.get(key, ""), values)

    def animal(self, taxon: Mapping[str, Any]) -> str:
        """Return the name of an animal: its Latin one if it has none in the language."""
        if self._names is None:  # English, as the answer
            return str(taxon["name"])
        return str(self._names.get(str(taxon["name"]).lower(), taxon["scientific_name"]))

    def percent(self, share: float) -> str:
        """Return a probability as text, never as 0 or 100 %, like the page of the API."""
        sign, shown = (">", 0.99) if share >= 0.995 else ("<", 0.01) if share < 0.01 else ("", share)
        return f"{sign} {self.own('percent', share=f'{shown * 100:.0f}')}".strip()

    def position(self, latitude: float, longitude: float) -> str:
        """Return coordinates as text: 33.1° S, 150.9° E."""
        north = self.shared("south" if latitude < 0 else "north", degrees=self._decimal(latitude))
        east = self.shared("west" if longitude < 0 else "east", degrees=self._decimal(longitude))
        return self.shared("position", latitude=north, longitude=east)

    def date(self, day: datetime) -> str:
        """Return a date as text."""
        return day.strftime(self.own("date"))

    def _decimal(self, degrees: float) -> str:
        return f"{abs(degrees):.1f}".replace(".", self.own("decimal"))


@cache
def words_of(language: str) -> Words:
    """Return the words of a language, one of `languages`."""
    return Words(language)


@cache
def languages() -> frozenset[str]:
    """Return the languages of result pages."""
    return frozenset(path.stem for path in (_PAGE / "words").iterdir())


def _filled(found: str | Mapping[str, str], values: Mapping[str, object]) -> str:
    text = found if isinstance(found, str) else found["one" if values["count"] == 1 else "other"]
    return _VALUE.sub(lambda match: str(values[match[1]]), text)
