"""Metric math: its functions, the tree of an expression, and the parser that makes the tree from a text.

Ids start with a lower-case letter; functions and keywords (`REPEAT`) are in capitals. The parser checks that a function
is documented and accepts the number of arguments. The caller checks that ids exist and that types fit.

The functions are those of "Using metric math" in the CloudWatch user guide, section "Functions supported for metric
math", in metric_functions.csv. The types have the guide's abbreviations: `S` is a number, `TS` one time series, `TS[]`
an array of time series. In addition, `text` is a quoted string, and keywords in capitals (`REPEAT`, `DESC`) stand for
themselves. In `parameters`, `|` separates alternatives, `?` marks an optional parameter, and `…` allows any number of
further arguments.
"""

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from difflib import get_close_matches
from pathlib import Path

from lark import Token, Transformer, v_args

from cloudwatch.syntax.grammar import Grammar, Misuse, ParseError

TYPES = {"S": "a number", "TS": "one time series", "TS[]": "several time series", "text": "a string"}
"""Types of arguments → the words for them in messages."""


@dataclass(frozen=True, slots=True)
class Function:
    """One function. `parameters` lists the types that each argument may have; the first `required` are mandatory.

    `most` is the highest number of arguments, None if there is no limit. `returns` is `S`, `TS`, `TS[]`, `same`
    (as the first argument), or `folded`: `S` for one series, `TS` for an array.
    """

    name: str
    parameters: tuple[tuple[str, ...], ...]
    required: int
    most: int | None
    returns: str
    evaluated: bool
    signature: str

    @property
    def keywords(self) -> frozenset[str]:
        """The keywords in capitals that the function accepts."""
        return frozenset(each for types in self.parameters for each in types) - TYPES.keys()


def _function(row: Mapping[str, str]) -> Function:
    places = [place for place in row["parameters"].split(", ") if place not in ("", "…")]
    return Function(
        name=row["name"],
        parameters=tuple(tuple(place.removesuffix("?").split("|")) for place in places),
        required=sum(not place.endswith("?") for place in places),
        most=None if row["parameters"].endswith("…") else len(places),
        returns=row["returns"],
        evaluated=row["evaluated"] == "yes",
        signature=f"{row['name']}({row['parameters']})",
    )


with Path(__file__).with_name("metric_functions.csv").open(encoding="utf-8", newline="") as _file:
    FUNCTIONS: Mapping[str, Function] = {row["name"]: _function(row) for row in csv.DictReader(_file)}


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
class Keyword:
    """A keyword that a function accepts, such as REPEAT or DESC."""

    word: str


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
    """A documented function with a valid number of arguments."""

    function: str
    arguments: "tuple[Node, ...]"


type Node = Number | String | Name | Keyword | Array | Negative | Binary | Call


def children(node: Node) -> tuple[Node, ...]:
    """Return the direct children of a node, from left to right."""
    match node:
        case Array(items=below) | Call(arguments=below):
            return below
        case Negative(operand=operand):
            return (operand,)
        case Binary(left=left, right=right):
            return (left, right)
        case _:
            return ()


def walk(node: Node) -> Iterator[Node]:
    """Yield the node and everything below it, from left to right."""
    yield node
    for child in children(node):
        yield from walk(child)


def depth(node: Node) -> int:
    """Return the number of levels of the tree; 1 for a single number."""
    level, levels = [node], 0
    while level:
        level, levels = [child for above in level for child in children(above)], levels + 1
    return levels


def referenced_ids(node: Node) -> set[str]:
    """Return the ids that an expression names. `METRICS()` uses other entries but names no ids."""
    return {found.id for found in walk(node) if isinstance(found, Name)}


def to_text(node: Node) -> str:
    """Return the expression as text that parses to the same tree."""
    match node:
        case Number(value=value):
            return f"{Decimal(repr(value)):f}".removesuffix(".0")
        case String(text=text):
            quote = '"' if "'" in text else "'"
            return f"{quote}{text}{quote}"
        case Name(id=word) | Keyword(word=word):
            return word
        case Array(items=items):
            return f"[{', '.join(map(to_text, items))}]"
        case Negative(operand=operand):
            return f"(-{to_text(operand)})"
        case Binary(operator=operator, left=left, right=right):
            return f"({to_text(left)} {operator} {to_text(right)})"
        case Call(function=function, arguments=arguments):
            return f"{function}({', '.join(map(to_text, arguments))})"


LONGEST = 2048  # characters: the limit of GetMetricData
DEEPEST = 100  # levels of the tree: keeps recursion far from Python's limit
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
_KEYWORDS = frozenset(word for function in FUNCTIONS.values() for word in function.keywords)


class ExpressionError(ParseError):
    """The text is not metric math."""


def parse_expression(text: str) -> Node:
    """Parse an expression. Raises `ExpressionError` for wrong syntax and unknown functions.

    >>> to_text(parse_expression("errors / requests * 100"))
    '((errors / requests) * 100)'
    """
    if re.match(r"\s*SELECT\b", text, re.IGNORECASE):
        raise ExpressionError(text, 0, "a Metrics Insights query is not metric math; use SEARCH or plain metrics")
    tree = _GRAMMAR.parse(text)
    if depth(tree) > DEEPEST:
        raise ExpressionError(text, 0, f"more than {DEEPEST} nested operations; split the expression")
    return tree


@v_args(inline=True)
class _ToNodes(Transformer[Token, Node]):
    def binary(self, left: Node, operator: Token, right: Node) -> Binary:
        return Binary(_SYNONYMS.get(operator, str(operator)), left, right)

    def negative(self, _minus: Token, operand: Node) -> Negative:
        return Negative(operand)

    def number(self, token: Token) -> Number:
        number = Number(float(token))
        if "e" in token.lower():
            raise Misuse(_at(token), f"expected a plain number, found {token}; write {to_text(number)}")
        return number

    def string(self, token: Token) -> String:
        return String(token[1:-1])

    def word(self, token: Token) -> Name | Keyword:
        if token[0].islower():
            return Name(str(token))
        if token in _KEYWORDS:
            return Keyword(str(token))
        hint = f"; did you mean {token}(…)?" if token in FUNCTIONS else ""
        raise Misuse(_at(token), f"`{token}` is not an id: ids start with a lower-case letter{hint}")

    def array(self, _bracket: Token, *items: Node) -> Array:
        return Array(items)

    def call(self, name: Token, *arguments: Node) -> Call:
        function = FUNCTIONS.get(name)
        if function is None:
            near = get_close_matches(name.upper(), FUNCTIONS, n=1)
            hint = f"did you mean {near[0]}?" if near else f"known functions: {', '.join(FUNCTIONS)}"
            raise Misuse(_at(name), f"unknown function {name}; {hint}")
        if not function.required <= len(arguments) <= (function.most or len(arguments)):
            what = f"{name} has {len(arguments)} arguments; expected {function.signature}"
            raise Misuse(_at(name), what)
        return Call(function.name, arguments)


_GRAMMAR: Grammar[Node] = Grammar(
    rules=_RULES,
    transformer=_ToNodes(),
    error=ExpressionError,
    expected={
        "NUMBER": "a number, a string, an id, a function, `(` or `[`",
        "$END": "an operator or the end of the expression",
    },
    longest=LONGEST,
    deepest=30,  # nested brackets
)


def _at(token: Token) -> int:
    return token.start_pos or 0
