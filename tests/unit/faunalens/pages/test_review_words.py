"""The words of the page for reviews: each language has all of them, and the page needs each."""

import json
import re
from functools import cache

import pytest

from chalicelib.api.page import languages
from faunalens.review.server import PAGES
from faunalens.study.finding import OBSERVED, VALUES

SOURCES = {path.name: path.read_text(encoding="utf-8") for path in PAGES.iterdir() if path.suffix in (".html", ".js")}
LANGUAGES = sorted(path.stem.removeprefix("words-") for path in PAGES.glob("words-*.json"))
PLACEHOLDER = re.compile(r"\{(\w+)\}")
NAMED = re.compile(r"""data-(?:word|label)="([^"]+)"|(?:say|announce\(say)\("([^"]+)\"""")
ONE_OF = re.compile(r'"([\w.-]+)"')
RANKS = ("kingdom", "phylum", "class", "order", "family", "genus", "species", "subspecies", "breed")

type Words = dict[str, str | dict[str, str]]


@cache
def words(language: str) -> Words:
    found: Words = json.loads((PAGES / f"words-{language}.json").read_text(encoding="utf-8"))
    return found


def forms(entry: str | dict[str, str]) -> list[str]:
    """The words of an entry in each plural form."""
    return [entry] if isinstance(entry, str) else list(entry.values())


def commands() -> set[str]:
    """The names of all commands and of their groups, as the table has them."""
    table = SOURCES["commands.js"].partition("const GROUPS")[2].partition("};")[0]
    groups = {f"group.{name}" for name in re.findall(r"^  (\w+): \[\[", table, re.MULTILINE)}
    return groups | {f"command.{name}" for name in re.findall(r'\["([\w-]+)", "', table)}


def test_it_has_the_languages_of_the_other_page() -> None:
    assert sorted(languages()) == LANGUAGES


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_all_words_with_their_values(language: str) -> None:
    english, other = words("en"), words(language)
    assert list(other) == list(english)
    for key, entry in other.items():
        *rare, usual = (set(PLACEHOLDER.findall(text)) for text in forms(entry))  # of a plural, "other" is the last
        assert usual == set(PLACEHOLDER.findall(forms(english[key])[-1])), key
        assert all(each <= usual for each in rare), key
        assert all(forms(entry)), key
        assert isinstance(entry, str) == isinstance(english[key], str), key
        assert isinstance(entry, str) or list(entry)[-1] == "other", key


def test_no_line_of_french_begins_with_a_mark_or_ends_with_a_quote_that_opens() -> None:
    texts = [text for entry in words("fr").values() for text in forms(entry)]
    assert [text for text in texts if re.search(r" [:;?!»%]|« ", text)] == []  # U+00A0 does not break


def test_the_page_needs_each_word_and_has_each_that_it_needs() -> None:
    named = {a or b for source in SOURCES.values() for a, b in NAMED.findall(source)}
    values = {f"kind.{each}" for each in OBSERVED} | {f"rank.{each}" for each in RANKS}
    values |= {f"{field}.{value}" for field, some in VALUES.items() for value in some}
    needed = named | values | commands()
    assert needed - set(words("en")) == set()
    # what a variable may name stands in a source as a text, and short words are of commands
    literals = {each for source in SOURCES.values() for each in ONE_OF.findall(source)}
    short = {each.replace("command.", "short.") for each in commands()}
    assert set(words("en")) - needed - literals - short == set()
