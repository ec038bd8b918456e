"""The words of the page: each language has the same ones, and the sources have none of their own."""

import json
import re
from functools import cache
from html.parser import HTMLParser
from typing import Any, get_args

import pytest

from chalicelib.api.words import SURE, Reason
from chalicelib.config.settings import ROOT
from chalicelib.model.certainty import Subject

PAGE = ROOT / "faunalens/web/page"
LANGUAGES = sorted(path.stem for path in (PAGE / "words").iterdir())
PLACEHOLDER = re.compile(r"\{(\w+)\}")
NUMBER = re.compile(r"\d+(?:[.,]\d+)?")
SHOWN = ("alt", "aria-label", "content", "placeholder", "title")
# What has no words in languages: names, and formats.
PROPER = {
    "Faunalens",
    "{{languages}}:",
    "Wikipedia",
    "iNaturalist",
    "GBIF",
    "Wikidata",
    "eBird",
    "Darwin Core",
    "−",
    "+",
}
CODE = {"Accept", "Content-Type", "X-Api-Key", "Retry-After", "Files", "Enter", "Escape", "Problem", "Bearer ${}"}
FILES = {"Feature", "Point", "verified by observer", "Taxon name", "Date observed", "Description", "Place name", "Tags"}
FILES |= {"Latitude / y coord / northing", "Longitude / x coord / easting", "Geoprivacy"}  # what formats call things
NEVER_SHOWN = {"no memory for a copy", "the request did not complete"}  # messages of errors that the page replaces
LITERAL = re.compile(
    r"""//[^\n]*|/\*.*?\*/|^import [^;]*;|"((?:\\.|[^"\\\n])*)"|`((?:\\.|\$\{[^}]*\}|[^`\\])*)`""",
    re.DOTALL | re.MULTILINE,
)
FOR_PEOPLE = re.compile(r"^[A-Z][a-z]+( |$)|[A-Za-z]{2,} (of |the |a )?[a-z]{2,}\b.*[a-z.]$")


@cache
def words(language: str) -> dict[str, dict[str, Any]]:
    """The words of a language, by part of the page (`html` or `script`) and key."""
    found: dict[str, dict[str, Any]] = json.loads((PAGE / "words" / f"{language}.json").read_text(encoding="utf-8"))
    if language == "en":
        found["script"] |= {f"sure.{each.word}": each.english for each in SURE}
    return found


def forms(entry: str | dict[str, str]) -> list[str]:
    """The words of an entry in each plural form."""
    return [entry] if isinstance(entry, str) else list(entry.values())


def literals() -> set[str]:
    """The texts in the code of the page; a value that is put in is `${}`."""
    code = [path.read_text(encoding="utf-8") for path in (PAGE / "src").rglob("*.js")]
    return {re.sub(r"\$\{[^}]*\}", "${}", a or b).strip() for each in code for a, b in LITERAL.findall(each)}


class _Texts(HTMLParser):
    """What people read of an HTML document."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def handle_starttag(self, _: str, attributes: list[tuple[str, str | None]]) -> None:
        self.texts += [value for name, value in attributes if name in SHOWN and value and " " in value]

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.texts.append(data.strip())


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_language_has_the_words_of_english_with_the_same_values_and_figures(language: str) -> None:
    # GIVEN the words of a language WHEN compared with English THEN the keys are the same
    for part, english in words("en").items():
        own = words(language)[part]
        assert own.keys() == english.keys()
        for key in english:
            assert type(own[key]) is type(english[key]), key
            values = [set(PLACEHOLDER.findall(each)) for each in forms(english[key])]
            figures = [sorted(NUMBER.findall(each)) for each in forms(english[key])]
            for text in forms(own[key]):
                assert text.strip(), key
                # AND the same values and figures are in them
                assert set(PLACEHOLDER.findall(text)) in values, key
                assert sorted(each.replace(",", ".") for each in NUMBER.findall(text)) in figures, key
            assert isinstance(own[key], str) or "other" in own[key], key


def test_no_line_of_french_begins_with_a_mark_or_ends_with_a_quote_that_opens() -> None:
    texts = [text for part in words("fr").values() for entry in part.values() for text in forms(entry)]
    assert [text for text in texts if re.search(r" [:;?!»]|« ", text)] == []  # U+00A0 does not break


def test_the_html_has_no_words_of_its_own() -> None:
    # GIVEN the HTML of the page
    parser = _Texts()
    html = (PAGE / "src/index.html").read_text(encoding="utf-8")
    parser.feed(html)
    # THEN it says only what the languages say, and all of that
    own = [text for text in parser.texts if not re.fullmatch(r"\{\{[\w.-]+\}\}", text)]
    assert set(own) - PROPER == {"width=device-width, initial-scale=1", "light dark"}
    built = {"words", "links", "names", "areas", "relatives", "suffixes", "manifest"}
    assert set(re.findall(r"\{\{([\w.-]+)\}\}", html)) - built == set(words("en")["html"])


def test_the_script_has_no_words_of_its_own() -> None:
    own = literals() - PROPER - CODE - FILES - NEVER_SHOWN
    assert sorted(each for each in own if FOR_PEOPLE.search(each)) == []


def test_every_key_that_the_script_says_and_every_code_of_the_api_has_words() -> None:
    code = "".join(path.read_text(encoding="utf-8") for path in (PAGE / "src").rglob("*.js"))
    said = set(re.findall(r"\bsay\(\s*\"([^\"]+)\"", code)) | {f"sure.{each.word}" for each in SURE}
    said |= {f"reason.{each}" for each in get_args(Reason)} | {f"subject.{each}" for each in get_args(Subject)}
    assert sorted(said - words("en")["script"].keys()) == []


def test_the_page_gives_the_figures_of_the_docs_for_packs() -> None:
    # GIVEN the shares of right answers in the docs, those of our own as the page rounds them
    docs = " ".join((ROOT / "docs/explanation/packs.md").read_text(encoding="utf-8").split())
    own = [re.findall(rf"\*\*{group}\*\* \| \d+ \| ([\d.]+)%", docs) for group in ("birds", "butterflies")]
    others = re.findall(r"others found ([\d.]+)% of birds first and ([\d.]+)% of insects", docs)
    # THEN the page says the same
    measured = [*(f"{float(each):.0f}" for (each,) in own), *others[0]]
    assert re.findall(r"(\d+(?:\.\d)?)%", words("en")["html"]["knowledge.packs"]) == measured
