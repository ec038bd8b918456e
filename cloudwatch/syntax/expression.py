"""Parse metric math: turn the text of an expression into a tree, or raise an error that names the wrong place.

Ids start with a lower-case letter; functions and keywords (`REPEAT`) are in capitals. The parser checks that a function
is documented and accepts the number of arguments and the keywords. The caller checks that ids exist.
"""

import re
from collections.abc import Iterator

from lark import Token, Transformer, v_args

from cloudwatch.syntax.expression_tree import (
    Array,
    Binary,
    Call,
    Keyword,
    Name,
    Negative,
    Node,
    Number,
    String,
    children,
    depth,
    to_text,
)
from cloudwatch.syntax.grammar import Grammar, Misuse, ParseError
from cloudwatch.syntax.metric_functions import FUNCTIONS, nearest

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
    """Parse an expression. Raises `ExpressionError` for wrong syntax, unknown functions and wrong arguments.

    >>> to_text(parse_expression("errors / requests * 100"))
    '((errors / requests) * 100)'
    """
    if re.match(r"\s*SELECT\b", text, re.IGNORECASE):
        raise ExpressionError(text, 0, "a Metrics Insights query is not metric math; use SEARCH or plain metrics")
    tree = _GRAMMAR.parse(text)
    if depth(tree) > DEEPEST:
        raise ExpressionError(text, 0, f"more than {DEEPEST} nested operations; split the expression")
    for node in _without_value(tree):
        what = f"{to_text(node)} has no value; it can only be an argument of a function"
        raise ExpressionError(text, node.at, what)
    return tree


@v_args(inline=True)
class _ToNodes(Transformer[Token, Node]):
    def binary(self, left: Node, operator: Token, right: Node) -> Binary:
        return Binary(_SYNONYMS.get(operator, str(operator)), left, right, at=_at(operator))

    def negative(self, minus: Token, operand: Node) -> Negative:
        return Negative(operand, at=_at(minus))

    def number(self, token: Token) -> Number:
        number = Number(float(token), at=_at(token))
        if "e" in token.lower():
            raise Misuse(number.at, f"expected a plain number, found {token}; write {to_text(number)}")
        return number

    def string(self, token: Token) -> String:
        return String(token[1:-1], at=_at(token))

    def word(self, token: Token) -> Name | Keyword:
        if token[0].islower():
            return Name(str(token), at=_at(token))
        if token in _KEYWORDS:
            return Keyword(str(token), at=_at(token))
        hint = f"; did you mean {token}(…)?" if token in FUNCTIONS else ""
        raise Misuse(_at(token), f"`{token}` is not an id: ids start with a lower-case letter{hint}")

    def array(self, bracket: Token, *items: Node) -> Array:
        return Array(items, at=_at(bracket))

    def call(self, name: Token, *arguments: Node) -> Call:
        function = FUNCTIONS.get(name)
        if function is None:
            meant = nearest(name)
            hint = f"did you mean {meant}?" if meant else f"known functions: {', '.join(FUNCTIONS)}"
            raise Misuse(_at(name), f"unknown function {name}; {hint}")
        if not function.required <= len(arguments) <= (function.most or len(arguments)):
            what = f"{name} has {len(arguments)} arguments; expected {function.signature}"
            raise Misuse(_at(name), what)
        for place, (argument, allowed) in enumerate(zip(arguments, function.parameters, strict=False), 1):
            if not _may_be(argument, allowed):
                what = f"argument {place} of {name} is {to_text(argument)}; expected {function.signature}"
                raise Misuse(argument.at, what)
        return Call(function.name, arguments, at=_at(name))


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


def _may_be(argument: Node, allowed: tuple[str, ...]) -> bool:
    """Return whether an argument may have an allowed type. Accept any id: the parser does not know its type."""
    match argument:
        case Keyword(word=word):
            return word in allowed
        case String():
            return "text" in allowed
        case Number():
            return "S" in allowed
        case Array():
            return "TS[]" in allowed
        case _:
            return any(type_ in allowed for type_ in ("S", "TS", "TS[]"))


def _without_value(node: Node) -> Iterator[Keyword | String]:
    """Yield keywords and strings that are not an argument of a function."""
    if isinstance(node, Keyword | String):
        yield node
    for child in children(node):
        if not (isinstance(node, Call | Array) and isinstance(child, Keyword | String)):
            yield from _without_value(child)
