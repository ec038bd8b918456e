"""The text of a SEARCH, read: `{Faunalens,code,stage} MetricName="Rejections" stage="dev"`.

    search = [ "{" namespace { "," dimension } "}" [","] ] [ any ]
    any    = all { "OR" all }
    all    = one { ["AND"] one }
    one    = "NOT" one | "(" any ")" | [ property "=" ] text

A property is `MetricName`, `Namespace` or the name of a dimension; without one, a text may be any of them, or a value
of a dimension. Text in double quotes matches as a whole, with `\\` before `" \\ ( )`; other text matches by tokens,
which are the words of a camel-case name, its numbers, and the whole.

Source: "CloudWatch search expression syntax" in the CloudWatch user guide.
"""

import re
from dataclasses import dataclass

from cloudwatch.syntax.lines import Metric

LONGEST = 1024  # characters
_SCHEMA = re.compile(r"\s*\{(?P<inside>(?:[^{}\"]|\"(?:[^\"\\]|\\.)*\")*)\}\s*,?")
_NAME = re.compile(r"\s*(?:\"(?P<quoted>(?:[^\"\\]|\\.)*)\"|(?P<plain>[^\s,\"{}]+))\s*(?:,|$)")
_TERM = re.compile(
    r"\s*(?:(?P<sign>[()])|(?:(?P<property>[\w.:-]+)\s*=\s*)?(?:\"(?P<quoted>(?:[^\"\\]|\\.)*)\"|(?P<plain>[^\s()\"=]+)))"
)
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


class SearchError(ValueError):
    """A text that SEARCH does not take; the message says what was expected."""


@dataclass(frozen=True, slots=True)
class Match:
    """What has to match: a whole text if `exact`, else its tokens; anywhere if `property` is None."""

    property: str | None
    text: str
    exact: bool


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite."""

    term: "Term"


@dataclass(frozen=True, slots=True)
class All:
    """Every one of them, with or without AND."""

    terms: "tuple[Term, ...]"


@dataclass(frozen=True, slots=True)
class Any:
    """At least one of them."""

    terms: "tuple[Term, ...]"


type Term = Match | Not | All | Any


@dataclass(frozen=True, slots=True)
class Search:
    """What is searched: in a namespace and under just these dimensions, if given, what matches the term, if given."""

    namespace: str | None
    dimensions: tuple[str, ...] | None
    term: Term | None

    def finds(self, metric: Metric) -> bool:
        """Whether a metric is among what is searched."""
        if self.namespace is not None and metric.namespace != self.namespace:
            return False
        if self.dimensions is not None and sorted(self.dimensions) != [name for name, _ in metric.dimensions]:
            return False
        return self.term is None or _holds(self.term, metric)


def parse_search(text: str) -> Search:
    """Read the first argument of SEARCH.

    Raises:
        SearchError: it cannot be read.

    >>> parse_search('{Faunalens,stage} MetricName="Requests"')
    Search(namespace='Faunalens', dimensions=('stage',), term=Match(property='MetricName', text='Requests', exact=True))
    """
    if len(text) > LONGEST:
        raise SearchError(f"the search has {len(text)} characters, at most {LONGEST} are taken; search for less")
    namespace, dimensions, rest = None, None, text
    if text.lstrip().startswith("{"):
        schema = _SCHEMA.match(text)
        if schema is None:
            raise SearchError(f"the {{ of {text!r} is not closed; expected {{namespace,dimension,…}}")
        namespace, *names = _names(schema["inside"])
        dimensions = tuple(names) or None
        rest = text[schema.end() :]
    parser = _Parser(rest)
    term = parser.any() if rest.strip() else None
    parser.end()
    if namespace is None and term is None:
        raise SearchError("the search is empty; expected {namespace,dimension,…}, a text to match, or both")
    return Search(namespace, dimensions, term)


def _names(inside: str) -> list[str]:
    names: list[str] = []
    at = 0
    while at < len(inside) or not names:
        found = _NAME.match(inside, at)
        if found is None:
            raise SearchError(f"{{{inside}}} names no namespace and dimensions; expected {{namespace,dimension,…}}")
        names.append(_plain(found["quoted"]) if found["plain"] is None else found["plain"])
        at = found.end()
    return names


def _plain(quoted: str) -> str:
    return re.sub(r"\\(.)", r"\1", quoted)


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._nested = 0

    def any(self) -> Term:
        terms = [self._all()]
        while self._takes("OR"):
            terms.append(self._all())
        return terms[0] if len(terms) == 1 else Any(tuple(terms))

    def end(self) -> None:
        if self._text[self._at :].strip():
            raise self._expected("the end")

    def _all(self) -> Term:
        terms = [self._one()]
        while self._takes("AND") or self._goes_on():
            terms.append(self._one())
        return terms[0] if len(terms) == 1 else All(tuple(terms))

    def _one(self) -> Term:
        self._nested += 1
        if self._nested > 50:
            raise SearchError("more than 50 brackets or NOTs inside one another; search for something simpler")
        term = self._simple()
        self._nested -= 1
        return term

    def _simple(self) -> Term:
        if self._takes("NOT"):
            return Not(self._one())
        found = _TERM.match(self._text, self._at)
        if found is None or found["sign"] == ")" or found["plain"] in ("AND", "OR"):
            raise self._expected("a text to match")
        self._at = found.end()
        if found["sign"]:
            term = self.any()
            closed = _TERM.match(self._text, self._at)
            if closed is None or closed["sign"] != ")":
                raise self._expected(")")
            self._at = closed.end()
            return term
        exact = found["quoted"] is not None
        return Match(found["property"], _plain(found["quoted"]) if exact else found["plain"], exact)

    def _takes(self, word: str) -> bool:
        found = _TERM.match(self._text, self._at)
        if found is None or found["plain"] != word or found["property"]:
            return False
        self._at = found.end()
        return True

    def _goes_on(self) -> bool:
        found = _TERM.match(self._text, self._at)
        return found is not None and found["sign"] != ")" and found["plain"] != "OR"

    def _expected(self, what: str) -> SearchError:
        return SearchError(f"expected {what} at {self._text[self._at :].strip() or 'the end'!r} of the search")


def _holds(term: Term, metric: Metric) -> bool:
    match term:
        case Not(term=inner):
            return not _holds(inner, metric)
        case All(terms=terms):
            return all(_holds(each, metric) for each in terms)
        case Any(terms=terms):
            return any(_holds(each, metric) for each in terms)
        case Match(text=text, exact=exact):
            return any(text == found if exact else _has(found, text) for found in _searched(term, metric))


def _searched(term: Match, metric: Metric) -> list[str]:
    """The texts of a metric in which a term is looked for."""
    match term.property:
        case None:
            dimensions = [text for pair in metric.dimensions for text in pair]
            return [metric.namespace, metric.name, *dimensions]
        case "MetricName":
            return [metric.name]
        case "Namespace":
            return [metric.namespace]
        case dimension:
            return [value for name, value in metric.dimensions if name == dimension]


def _has(text: str, wanted: str) -> bool:
    """Whether the tokens of what is wanted stand in the text, one after the other."""
    tokens, searched = _tokens(text), _tokens(wanted)
    if not searched:
        return False
    runs = range(len(tokens) - len(searched) + 1)
    whole = "".join(searched) == "".join(tokens)
    return whole or any(tokens[at : at + len(searched)] == searched for at in runs)


def _tokens(text: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(text)]
