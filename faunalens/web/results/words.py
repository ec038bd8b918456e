"""The words of result pages, in each language of the page of the API, and mostly the same words."""

import json
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from chalicelib.api.page import WEB
from chalicelib.api.words import FORMER, SURE

_PAGE = Path(__file__).parents[1] / "page"
_VALUE = re.compile(r"\{(\w+)\}")


class Words:
    """The words of a language. `name`: its code in a `lang` attribute. `direction`: ltr or rtl."""

    def __init__(self, language: str) -> None:
        found = json.loads((_PAGE / "words" / f"{language}.json").read_text(encoding="utf-8"))
        self.name, self.direction = str(found["html"]["lang"]), str(found["html"]["dir"])
        english = {f"sure.{each.word}": each.english for each in SURE}  # en.json leaves them to sure.json
        self._own, self._shared = found["result"], english | found["script"]
        self.question = str(found["html"]["question"])
        file = next(WEB.glob(f"countries-{language}-*.json"), None)
        self._countries = json.loads(file.read_text(encoding="utf-8")) if file else {}
        names = _PAGE / "names" / f"{language}.json"
        sources = json.loads(names.read_text(encoding="utf-8")) if names.exists() else None
        self._names = sources and {**sources["birdnet"], **sources["own"]}

    def own(self, key: str, **values: object) -> str:
        """Return words of result pages. `values` replace their names in braces; `count` selects the plural."""
        return _filled(self._own[key], values)

    def shared(self, key: str, **values: object) -> str:
        """Return words of the page of the API, or an empty string if it has none with this key."""
        return _filled(self._shared.get(key, ""), values)

    def of_code(self, kind: str, code: str) -> str:
        """Return the words for one of the API's codes, such as a reason; empty for a code that is not known."""
        return self.shared(f"{kind}.{FORMER.get(code, code)}")

    def animals(self, taxa: Iterable[Mapping[str, Any]]) -> str:
        """Return the names of animals as alternatives: `fox / wolf`."""
        return " / ".join(map(self.animal, taxa))

    def animal(self, taxon: Mapping[str, Any]) -> str:
        """Return the name of an animal: its Latin one if it has none in the language."""
        if self._names is None:  # English, as the answer
            return str(taxon["name"])
        return str(self._names.get(str(taxon["name"]).lower(), taxon["scientific_name"]))

    def country(self, code: str) -> str:
        """Return the name of an ISO 3166-1 code. Other codes of areas are returned unchanged."""
        return str(self._countries.get(code, code))

    def sure_means(self, sure: str) -> str:
        """Return the meaning of a word for how sure an answer is, such as `likely`; empty for an unknown word."""
        row = next((row for row, each in enumerate(SURE) if each.word == FORMER.get(sure, sure)), None)
        if row is None:
            return ""
        key, bound = ("less", row - 1) if row == len(SURE) - 1 else ("means", row)
        return self.shared(f"sure.{key}", sure=self.of_code("sure", sure), right=round(100 * SURE[bound].right))

    def percent(self, share: float) -> str:
        """Return a probability as text, never as 0 or 100 %, like the page of the API."""
        sign, shown = (">", 0.99) if share >= 0.995 else ("<", 0.01) if share < 0.01 else ("", share)
        return f"{sign} {self.own('percent', share=f'{shown * 100:.0f}')}".strip()

    def position(self, latitude: float, longitude: float) -> str:
        """Return coordinates as text: 33.1° S, 150.9° E."""
        north, east = (f"{abs(each):.1f}".replace(".", self.own("decimal")) for each in (latitude, longitude))
        north = self.shared("south" if latitude < 0 else "north", degrees=north)
        east = self.shared("west" if longitude < 0 else "east", degrees=east)
        return self.shared("position", latitude=north, longitude=east)

    def date(self, day: datetime) -> str:
        """Return a date as text."""
        return day.strftime(self.own("date"))


@cache
def words_of(language: str) -> Words:
    """Return the words of a language, one of the page's."""
    return Words(language)


def _filled(found: str | Mapping[str, str], values: Mapping[str, object]) -> str:
    text = found if isinstance(found, str) else found["one" if values["count"] == 1 else "other"]
    return _VALUE.sub(lambda match: str(values[match[1]]), text)
