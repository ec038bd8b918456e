"""Parse the text of a SEARCH, such as `{Faunalens,code,stage} MetricName="Rejections" stage="dev"`.

A property is `MetricName`, `Namespace` or the name of a dimension; its text in double quotes must equal the whole
value. CloudWatch also searches for parts of names and without properties. Lint could not know which metrics such a
search should find, so it is an error here.

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
    search: LBRACE _name ("," _name)* "}" ","? disjunction?
    _name: NAME | QUOTED
    ?conjunction: operand (_AND? operand)*
    leaf: PROPERTY QUOTED

    _OR.2: /OR(?![^\s()"=])/
    _AND.2: /AND(?![^\s()"=])/
    NOT.2: /NOT(?![^\s()"=])/
    PROPERTY.3: /[\w.:-]+\s*=/
    QUOTED: /"(\\.|[^"\\])*"/s
    LBRACE.3: "{"
    NAME: /[^\s,"{}]+/
    %ignore /\s+/
"""


class SearchError(ParseError):
    """The text is not a search expression, or searches for parts of names."""


@dataclass(frozen=True, slots=True)
class Match:
    """A condition: the value of a property equals a text."""

    property: str
    text: str

    def matches(self, metric: TimeSeries) -> bool:
        """Return whether a metric meets the condition."""
        known = {"MetricName": metric.name, "Namespace": metric.namespace}
        return (known | dict(metric.dimensions)).get(self.property) == self.text


@dataclass(frozen=True, slots=True)
class Search:
    """A parsed search. The term None places no restriction on the metrics of this namespace and these dimensions."""

    namespace: str
    dimensions: tuple[str, ...]
    term: Boolean[Match] | None

    def finds(self, metric: TimeSeries) -> bool:
        """Return whether the search finds a metric. The metric must have exactly the dimensions of the schema."""
        if metric.namespace != self.namespace or sorted(self.dimensions) != [name for name, _ in metric.dimensions]:
            return False
        return self.term is None or holds(self.term, lambda leaf: leaf.matches(metric))


def parse_search(text: str) -> Search:
    """Parse the first argument of SEARCH. Raises `SearchError`.

    >>> parse_search('{Faunalens,stage} MetricName="Requests"')
    Search(namespace='Faunalens', dimensions=('stage',), term=Match(property='MetricName', text='Requests'))
    """
    return _GRAMMAR.parse(text)


@v_args(inline=True)
class _ToSearch(BooleanTransformer):
    def search(self, _brace: Token, *parts: Any) -> Search:
        namespace, *dimensions = (_unquoted(each) for each in parts if isinstance(each, Token))
        terms = [each for each in parts if not isinstance(each, Token)]
        return Search(namespace, tuple(dimensions), terms[0] if terms else None)

    def leaf(self, name: Token, value: Token) -> Match:
        return Match(name.removesuffix("=").rstrip(), _unquoted(value))


def _unquoted(token: Token) -> str:
    return re.sub(r"\\(.)", r"\1", token[1:-1], flags=re.DOTALL) if token.type == "QUOTED" else str(token)


_GRAMMAR: Grammar[Search] = Grammar(
    rules=BOOLEAN_RULES + _RULES,
    transformer=_ToSearch(),
    error=SearchError,
    expected={
        "LBRACE": "the schema, as in {namespace,dimension,…}",
        "NAME": "a namespace or a dimension, as in {namespace,dimension,…}",
        "PROPERTY": 'a condition, as in MetricName="Rejections"',
        "QUOTED": "a whole value in double quotes",
        "$END": "the end",
    },
    longest=1024,
)
