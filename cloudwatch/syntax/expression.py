"""Metric math, read: the text of an expression becomes a tree, or an error that says where and what was expected.

    expression  = conjunction { ("OR" | "||") conjunction }
    conjunction = comparison { ("AND" | "&&") comparison }
    comparison  = sum { ("==" | "!=" | "<" | "<=" | ">" | ">=") sum }
    sum         = product { ("+" | "-") product }
    product     = sign { ("*" | "/") sign }
    sign        = "-" sign | power
    power       = atom [ "^" sign ]
    atom        = number | string | id | word | call | "[" expression { "," expression } "]" | "(" expression ")"

Ids start with a lower-case letter, functions and words (`REPEAT`) are in capitals. Functions are checked against
the documented list, with the number of their arguments and the words that they take; what an id stands for is the
business of whoever knows the other lines.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from cloudwatch.syntax.metric_functions import FUNCTIONS, nearest
from cloudwatch.syntax.nodes import (
    Array,
    Binary,
    Call,
    Name,
    Negative,
    Node,
    Number,
    String,
    Word,
    children,
    depth,
    names,
    walk,
    write,
)

__all__ = ["ExpressionError", "Node", "names", "parse", "walk", "write"]

LONGEST = 2048  # characters: the limit of GetMetricData
DEEPEST = 100  # levels of the tree: keeps recursion far from Python's limit
_NESTED = 30  # brackets, signs and powers inside one another, for the same reason

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)
      | (?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
      | (?P<word>[A-Za-z][A-Za-z0-9_]*)
      | (?P<sign>&&|\|\||==|!=|<=|>=|[-+*/^<>()\[\],])
      | (?P<other>\S)
    )""",
    re.VERBOSE | re.DOTALL | re.ASCII,
)
_SAME = {"&&": "AND", "||": "OR"}
_LEVELS = (
    frozenset({"OR"}),
    frozenset({"AND"}),
    frozenset({"==", "!=", "<", "<=", ">", ">="}),
    frozenset({"+", "-"}),
    frozenset({"*", "/"}),
)
_WORDS = frozenset(
    word
    for function in FUNCTIONS.values()
    for place in range(len(function.parameters))
    for word in function.words(place)
)


class ExpressionError(ValueError):
    """An expression that is no metric math. `at` is the place in the text, 0 for its first character."""

    def __init__(self, text: str, at: int, what: str) -> None:
        super().__init__(f"{what}, at character {at + 1} of `{text}`")
        self.text = text
        self.at = at
        self.what = what


def parse(text: str) -> Node:
    """Read an expression.

    Raises:
        ExpressionError: it is no metric math, names an unknown function, or gives one the wrong arguments.

    >>> write(parse("errors / requests * 100"))
    '((errors / requests) * 100)'
    """
    if len(text) > LONGEST:
        raise ExpressionError(text, LONGEST, f"{len(text)} characters, at most {LONGEST} are taken; split it in lines")
    if re.match(r"\s*SELECT\b", text, re.IGNORECASE):
        raise ExpressionError(text, 0, "a Metrics Insights query is no metric math; use SEARCH or plain metrics")
    parser = _Parser(text)
    node = parser.level(0)
    parser.end()
    if depth(node) > DEEPEST:
        raise ExpressionError(text, 0, f"more than {DEEPEST} operations inside one another; split it in lines")
    for loose in _loose(node):
        raise ExpressionError(text, loose.at, f"{write(loose)} has no value; it can only be an argument of a function")
    return node


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str  # number, string, word, sign or end
    text: str
    at: int

    def __str__(self) -> str:
        return "the end" if self.kind == "end" else f"`{self.text}`"


class _Parser:
    """Recursive descent over the tokens; one method a kind of thing."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = list(self._tokenize(text))
        self._next = 0
        self._nested = 0

    def level(self, precedence: int) -> Node:
        """Operators of one precedence and all that bind tighter; 0 binds loosest. All are left-associative."""
        if precedence == len(_LEVELS):
            return self._sign()
        left = self.level(precedence + 1)
        while self._peek.kind != "string" and self._peek.text in _LEVELS[precedence]:
            token = self._take()
            left = Binary(token.text, left, self.level(precedence + 1), token.at)
        return left

    def end(self) -> None:
        """Nothing may be left."""
        if self._peek.kind != "end":
            raise self._error(self._peek.at, f"expected an operator or the end of the expression, found {self._peek}")

    def _sign(self) -> Node:
        self._nested += 1
        if self._nested > _NESTED:
            raise self._error(self._peek.at, f"more than {_NESTED} brackets inside one another; split it in lines")
        node = self._negative_or_power()
        self._nested -= 1
        return node

    def _negative_or_power(self) -> Node:
        if self._sees("-"):
            at = self._take().at
            return Negative(self._sign(), at)
        base = self._atom()
        if self._sees("^"):
            at = self._take().at
            return Binary("^", base, self._sign(), at)
        return base

    def _atom(self) -> Node:
        token = self._take()
        match token.kind, token.text:
            case "number", digits:
                return Number(float(digits), token.at)
            case "string", quoted:
                return String(quoted[1:-1], token.at)
            case "word", _ if self._sees("("):
                return self._call(token)
            case "word", word:
                return self._name(word, token.at)
            case "sign", "(":
                inner = self.level(0)
                self._close(")", token)
                return inner
            case "sign", "[":
                return Array(self._list("]", token), token.at)
        raise self._error(token.at, f"expected a number, a string, an id, a function, `(` or `[`, found {token}")

    def _name(self, word: str, at: int) -> Node:
        if word[0].islower():
            return Name(word, at)
        if word in _WORDS:
            return Word(word, at)
        hint = f"; did you mean {word}(…)?" if word in FUNCTIONS else ""
        raise self._error(at, f"`{word}` is no id, for ids start with a lower-case letter{hint}")

    def _call(self, token: _Token) -> Node:
        function = FUNCTIONS.get(token.text)
        if function is None:
            meant = nearest(token.text)
            hint = f"did you mean {meant}?" if meant else f"known are {', '.join(FUNCTIONS)}"
            raise self._error(token.at, f"unknown function {token.text}; {hint}")
        arguments = self._list(")", self._take())
        if not function.required <= len(arguments) <= (function.most or len(arguments)):
            raise self._error(
                token.at, f"{function.name} has {len(arguments)} arguments; expected {function.signature}"
            )
        for place, (argument, allowed) in enumerate(zip(arguments, function.parameters, strict=False), 1):
            if not _may_stand(argument, allowed):
                what = f"argument {place} of {function.name} is {write(argument)}; expected {function.signature}"
                raise self._error(argument.at, what)
        return Call(function.name, arguments, token.at)

    def _list(self, close: str, opened: _Token) -> tuple[Node, ...]:
        items: list[Node] = []
        if close == "]" or not self._sees(close):
            items.append(self.level(0))
            while self._sees(","):
                self._take()
                items.append(self.level(0))
        self._close(close, opened)
        return tuple(items)

    def _close(self, close: str, opened: _Token) -> None:
        if not self._sees(close):
            what = f"expected {close} for the {opened.text} at character {opened.at + 1}, found {self._peek}"
            raise self._error(self._peek.at, what)
        self._take()

    @property
    def _peek(self) -> _Token:
        return self._tokens[self._next]

    def _sees(self, sign: str) -> bool:
        return self._peek.kind == "sign" and self._peek.text == sign

    def _take(self) -> _Token:
        token = self._peek
        self._next = min(self._next + 1, len(self._tokens) - 1)
        return token

    def _error(self, at: int, what: str) -> ExpressionError:
        return ExpressionError(self._text, at, what)

    def _tokenize(self, text: str) -> Iterator[_Token]:
        for match in _TOKEN.finditer(text):
            kind = match.lastgroup or ""
            found, at = match[kind], match.start(kind)
            if kind == "other":
                what = "the string is not closed" if found in "\"'" else f"`{found}` has no meaning in metric math"
                raise self._error(at, what)
            if kind == "number" and "e" in found.lower():
                raise self._error(at, f"expected a plain number, found {found}; write {write(Number(float(found)))}")
            yield _Token(kind, _SAME.get(found, found) if kind == "sign" else found, at)
        yield _Token("end", "", len(text))


def _may_stand(argument: Node, allowed: tuple[str, ...]) -> bool:
    """Whether an argument can be of an allowed kind, as far as one sees without knowing the other lines."""
    match argument:
        case Word(word=word):
            return word in allowed
        case String():
            return "text" in allowed
        case Number():
            return "S" in allowed
        case Array():
            return "TS[]" in allowed
        case _:
            return any(kind in allowed for kind in ("S", "TS", "TS[]"))


def _loose(node: Node) -> Iterator[Word | String]:
    """Words and strings that are no argument of a function."""
    if isinstance(node, Word | String):
        yield node
    for child in children(node):
        if not (isinstance(node, Call | Array) and isinstance(child, Word | String)):
            yield from _loose(child)
