"""Metric math: its functions, the tree of an expression, and the parser that makes the tree from a text.

Ids start with a lower-case letter; functions are in capitals. The parser checks that a function is known and accepts
the number of arguments. Evaluation checks that ids exist and that types fit.

Only the functions of CloudWatch's user guide ("Functions supported for metric math") that dashboards and alarms use are
known. To use another one, list it here and evaluate it in cloudwatch/math/functions.py.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from difflib import get_close_matches

from lark import Token, Transformer, v_args

from cloudwatch.syntax.grammar import Grammar, Misuse, ParseError

TYPES = {"S": "a number", "TS": "one time series", "TS[]": "several time series", "text": "a string"}
"""Types of arguments, as the guide abbreviates them → the words for them in messages."""


@dataclass(frozen=True, slots=True)
class Function:
    """One function. `parameters`: the types that each argument may have. `required`: how many arguments it needs."""

    signature: str
    parameters: tuple[tuple[str, ...], ...]
    required: int


def _function(name: str, parameters: str) -> Function:
    places = parameters.split(", ")
    types = tuple(tuple(place.removesuffix("?").split("|")) for place in places)
    return Function(f"{name}({parameters})", types, sum(not place.endswith("?") for place in places))


FUNCTIONS: Mapping[str, Function] = {
    name: _function(name, parameters)
    for name, parameters in {
        "FILL": "TS|TS[], S|TS",
        "IF": "S|TS, S|TS, S|TS?",
        "MAX": "TS|TS[]",
        "PERIOD": "TS",
        "RUNNING_SUM": "TS|TS[]",
        "SEARCH": "text, text, S?",
        "SUM": "TS|TS[]",
        "TIME_SERIES": "S",
    }.items()
}
"""The functions. `|` separates the types of an argument, and `?` marks an optional one."""


@dataclass(frozen=True, slots=True)
class Number:
    """A number without a sign."""

    value: float


@dataclass(frozen=True, slots=True)
class String:
    """The text between quotes; it keeps backslashes, which SEARCH interprets."""

    text: str


@dataclass(frozen=True, slots=True)
class Name:
    """The id of another metric or expression."""

    id: str


@dataclass(frozen=True, slots=True)
class Array:
    """An array, such as `[m1, m2]`."""

    items: "tuple[Node, ...]"


@dataclass(frozen=True, slots=True)
class Negative:
    """An operand with a unary minus."""

    operand: "Node"


@dataclass(frozen=True, slots=True)
class Binary:
    """Two operands and one of `+ - * / ^ == != < <= > >= AND OR`."""

    operator: str
    left: "Node"
    right: "Node"


@dataclass(frozen=True, slots=True)
class Call:
    """A known function with a valid number of arguments."""

    function: str
    arguments: "tuple[Node, ...]"


type Node = Number | String | Name | Array | Negative | Binary | Call


def walk(node: Node) -> Iterator[Node]:
    """Yield the node and everything below it, from left to right."""
    yield node
    match node:
        case Array(items=below) | Call(arguments=below):
            pass
        case Negative(operand=operand):
            below = (operand,)
        case Binary(left=left, right=right):
            below = (left, right)
        case _:
            below = ()
    for child in below:
        yield from walk(child)


def referenced_ids(node: Node) -> set[str]:
    """Return the ids that an expression names."""
    return {found.id for found in walk(node) if isinstance(found, Name)}


LONGEST = 2048  # characters: the limit of GetMetricData
_RULES = r"""
    ?start: conjunction | start OR conjunction -> binary
    ?conjunction: comparison | conjunction AND comparison -> binary
    ?comparison: sum | comparison COMPARISON sum -> binary
    ?sum: product | sum (PLUS | MINUS) product -> binary
    ?product: sign | product (STAR | SLASH) sign -> binary
    ?sign: MINUS sign -> negative | power
    ?power: atom | atom CIRCUMFLEX sign -> binary
    ?atom: NUMBER -> number
        | STRING -> string
        | WORD -> word
        | WORD "(" [start ("," start)*] ")" -> call
        | LSQB start ("," start)* "]" -> array
        | "(" start ")"

    OR: "||" | /OR(?![A-Za-z0-9_])/
    AND: "&&" | /AND(?![A-Za-z0-9_])/
    COMPARISON: "==" | "!=" | "<=" | ">=" | "<" | ">"
    PLUS: "+"
    MINUS: "-"
    STAR: "*"
    SLASH: "/"
    CIRCUMFLEX: "^"
    LSQB: "["
    NUMBER: /([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?/
    STRING: /"(\\.|[^"\\])*"|'(\\.|[^'\\])*'/s
    WORD: /[A-Za-z][A-Za-z0-9_]*/
    %ignore /[ \t\n\r\f\v]+/
"""
_SYNONYMS = {"&&": "AND", "||": "OR"}


class ExpressionError(ParseError):
    """The text is not metric math."""


def parse_expression(text: str) -> Node:
    """Parse an expression. Raises `ExpressionError` for wrong syntax and unknown functions.

    >>> parse_expression("-errors > 3")
    Binary(operator='>', left=Negative(operand=Name(id='errors')), right=Number(value=3.0))
    """
    if re.match(r"\s*SELECT\b", text, re.IGNORECASE):
        raise ExpressionError(text, 0, "a Metrics Insights query is not metric math; use SEARCH or plain metrics")
    return _GRAMMAR.parse(text)


@v_args(inline=True)
class _ToNodes(Transformer[Token, Node]):
    def binary(self, left: Node, operator: Token, right: Node) -> Binary:
        return Binary(_SYNONYMS.get(operator, str(operator)), left, right)

    def negative(self, _minus: Token, operand: Node) -> Negative:
        return Negative(operand)

    def number(self, token: Token) -> Number:
        if "e" in token.lower():
            raise Misuse(token, f"expected a plain number, found {token}; write {Decimal(token):f}")
        return Number(float(token))

    def string(self, token: Token) -> String:
        return String(token[1:-1])

    def word(self, token: Token) -> Name:
        if not token[0].islower():
            hint = f"; did you mean {token}(…)?" if token in FUNCTIONS else ""
            raise Misuse(token, f"`{token}` is not an id: ids start with a lower-case letter{hint}")
        return Name(str(token))

    def array(self, _bracket: Token, *items: Node) -> Array:
        return Array(items)

    def call(self, name: Token, *arguments: Node) -> Call:
        function = FUNCTIONS.get(name)
        if function is None:
            near = get_close_matches(name.upper(), FUNCTIONS, n=1)
            hint = f"did you mean {near[0]}?" if near else f"known functions: {', '.join(FUNCTIONS)}"
            raise Misuse(name, f"unknown function {name}; {hint}")
        if not function.required <= len(arguments) <= len(function.parameters):
            raise Misuse(name, f"{name} has {len(arguments)} arguments; expected {function.signature}")
        return Call(str(name), arguments)


_GRAMMAR: Grammar[Node] = Grammar(
    rules=_RULES,
    transformer=_ToNodes(),
    error=ExpressionError,
    expected={
        "NUMBER": "a number, a string, an id, a function, `(` or `[`",
        "$END": "an operator or the end of the expression",
    },
    longest=LONGEST,
)
