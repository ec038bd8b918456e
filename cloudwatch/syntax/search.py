"""Parse the text of a SEARCH, such as `{Faunalens,code,stage} MetricName="Rejections" stage="dev"`.

A property is `MetricName`, `Namespace` or the name of a dimension. A term without a property is compared with
all of these and with the values of the dimensions. Text in double quotes must equal the whole value. Other text matches
by tokens, which are the words and numbers of a camel-case name; it also matches if it equals the whole name.

Source: "CloudWatch search expression syntax" in the CloudWatch user guide.
"""

import re
from dataclasses import dataclass
from typing import Any

from lark import Token, v_args

from cloudwatch.syntax.grammar import BOOLEAN_RULES, Boolean, BooleanTransformer, Grammar, ParseError, holds
from cloudwatch.syntax.graphed_metrics import TimeSeries

_RULES = r"""
    ?start: search
    search: schema ","? disjunction?
        | disjunction
    schema: LBRACE _name ("," _name)* "}"
    _name: NAME | QUOTED
    ?conjunction: operand (_AND? operand)*
    leaf: PROPERTY? (PLAIN | QUOTED)

    _OR.2: /OR(?![^\s()"=])/
    _AND.2: /AND(?![^\s()"=])/
    NOT.2: /NOT(?![^\s()"=])/
    PROPERTY.3: /[\w.:-]+\s*=/
    QUOTED: /"(\\.|[^"\\])*"/s
    PLAIN: /(?!(AND|OR)(?![^\s()"=]))[^\s()"=]+/
    LBRACE.3: "{"
    NAME: /[^\s,"{}]+/
    %ignore /\s+/
"""
_TOKEN = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


class SearchError(ParseError):
    """The text is not a search expression."""


@dataclass(frozen=True, slots=True)
class Match:
    """A condition: `property` (None for any) equals `text` if `exact`, otherwise it contains the tokens of `text`."""

    property: str | None
    text: str
    exact: bool

    def matches(self, metric: TimeSeries) -> bool:
        """Return whether a metric meets the condition."""
        return any(self.text == each if self.exact else _has(each, self.text) for each in self._searched(metric))

    def _searched(self, metric: TimeSeries) -> list[str]:
        match self.property:
            case None:
                return [metric.namespace, metric.name, *(text for pair in metric.dimensions for text in pair)]
            case "MetricName":
                return [metric.name]
            case "Namespace":
                return [metric.namespace]
            case dimension:
                return [value for name, value in metric.dimensions if name == dimension]


@dataclass(frozen=True, slots=True)
class Search:
    """A parsed search. A part that is None (namespace, dimensions or term) places no restriction on the metrics."""

    namespace: str | None
    dimensions: tuple[str, ...] | None
    term: Boolean[Match] | None

    def finds(self, metric: TimeSeries) -> bool:
        """Return whether the search finds a metric. The metric must have exactly the dimensions of the schema."""
        if self.namespace is not None and metric.namespace != self.namespace:
            return False
        if self.dimensions is not None and sorted(self.dimensions) != [name for name, _ in metric.dimensions]:
            return False
        return self.term is None or holds(self.term, lambda leaf: leaf.matches(metric))


def parse_search(text: str) -> Search:
    """Parse the first argument of SEARCH. Raises `SearchError`.

    >>> parse_search('{Faunalens,stage} MetricName="Requests"')
    Search(namespace='Faunalens', dimensions=('stage',), term=Match(property='MetricName', text='Requests', exact=True))
    """
    return _GRAMMAR.parse(text)


@v_args(inline=True)
class _ToSearch(BooleanTransformer):
    def search(self, *parts: Any) -> Search:
        (namespace, *dimensions), *terms = parts if isinstance(parts[0], list) else ([None], *parts)
        return Search(namespace, tuple(dimensions) or None, terms[0] if terms else None)

    def schema(self, _brace: Token, *names: Token) -> list[str]:
        return [_unquoted(name) for name in names]

    def leaf(self, *parts: Token) -> Match:
        *properties, value = parts
        name = properties[0].removesuffix("=").rstrip() if properties else None
        return Match(name, _unquoted(value), exact=value.type == "QUOTED")


def _unquoted(token: Token) -> str:
    return re.sub(r"\\(.)", r"\1", token[1:-1], flags=re.DOTALL) if token.type == "QUOTED" else str(token)


_GRAMMAR: Grammar[Search] = Grammar(
    rules=BOOLEAN_RULES + _RULES,
    transformer=_ToSearch(),
    error=SearchError,
    expected={
        "NAME": "a namespace or a dimension, as in {namespace,dimension,…}",
        "LBRACE": "{namespace,dimension,…}, a text to match, or both",
        "PLAIN": "a text to match",
        "$END": "the end",
    },
    longest=1024,
    deepest=50,
)


def _has(text: str, searched: str) -> bool:
    """Return whether the text contains the searched tokens in a row, or equals them when they are joined."""
    tokens, wanted = _tokens(text), _tokens(searched)
    if not wanted:
        return False
    starts = range(len(tokens) - len(wanted) + 1)
    return "".join(wanted) == "".join(tokens) or any(tokens[at : at + len(wanted)] == wanted for at in starts)


def _tokens(text: str) -> list[str]:
    return [token.lower() for token in _TOKEN.findall(text)]
