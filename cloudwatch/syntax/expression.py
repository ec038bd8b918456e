"""Parse metric math, the rules of composite alarms, which have the same form, and searches.

    IF(requests >= 50, 100 * rejections / requests)
    ALARM("burn-fast") AND NOT (ALARM("page") OR OK("latency"))
    {Faunalens,code,stage} MetricName="Rejections" stage="dev"

Only the functions and operators of CloudWatch's user guide ("Using metric math") that dashboards and alarms use are
known. To use another one, list it here and evaluate it in cloudwatch/math/evaluate.py. Ids start with a lower-case
letter; functions are in capitals. Evaluation checks that ids exist and that types fit.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from difflib import get_close_matches
from typing import Literal, cast

from cloudwatch.syntax.graphed_metrics import TimeSeries

TYPES = {"S": "a number", "TS": "one time series", "TS[]": "several time series", "text": "a string in quotes"}
"""Types of arguments, as the guide abbreviates them → the words for them in messages."""
FUNCTIONS = {
    "FILL": "TS|TS[], S|TS",
    "IF": "TS, S|TS, S|TS?",
    "MAX": "TS|TS[]",
    "PERIOD": "TS",
    "RUNNING_SUM": "TS|TS[]",
    "SEARCH": "text, text, S?",
    "SUM": "TS|TS[]",
    "TIME_SERIES": "S",
}
"""The functions and their arguments. `|` separates the types of an argument, and `?` marks an optional one."""
STATES = dict.fromkeys(("ALARM", "OK", "INSUFFICIENT_DATA"), "text")
"""Functions of a rule. Each is true if the alarm that its argument names is in this state."""

_EXCERPT = 60  # characters shown on each side of an error
_DEEPEST = 50  # parts within one another
_TOKEN = re.compile(
    r"""\s*(?:(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)
      | (?P<string>"[^"]*"|'[^']*')
      | (?P<word>[A-Za-z][A-Za-z0-9_]*)
      | (?P<sign>==|!=|<=|>=|\S))""",
    re.VERBOSE | re.ASCII,
)


class ParseError(ValueError):
    """The text does not follow the grammar. `at` is the index of the offending character."""

    def __init__(self, text: str, at: int, what: str) -> None:
        before, after = text[max(0, at - _EXCERPT) : at], text[at : at + _EXCERPT]
        start, end = "…" * (at > _EXCERPT), "…" * (at + _EXCERPT < len(text))
        super().__init__(f"{what}, at character {at + 1} of `{start}{before}{after}{end}`")
        self.at = at


type Kind = Literal["number", "string", "id", "call", "operator", "array"]


@dataclass(frozen=True, slots=True)
class Node:
    """A part of an expression. `text`: a number, a string without quotes, an id, the name of a function, an operator.

    `below` has the arguments of a function, the operands of an operator (one of `-` as a sign), the items of an array.
    """

    kind: Kind
    text: str
    below: "tuple[Node, ...]" = ()
    at: int = field(default=0, compare=False)


def walk(node: Node) -> Iterator[Node]:
    """Yield the node and all nodes below it, from left to right."""
    yield node
    for each in node.below:
        yield from walk(each)


@dataclass(frozen=True, slots=True)
class _Language:
    """A grammar. `tightness`: precedence of each operator. `prefixes`: unary operators. `longest`: characters."""

    tightness: Mapping[str, int]
    prefixes: tuple[str, ...]
    functions: Mapping[str, str]
    longest: int
    expected: str

    def parse(self, text: str) -> Node:
        """Return the tree of a text. Raises `ParseError`."""
        if len(text) > self.longest:
            what = f"the text has {len(text)} characters, but at most {self.longest} are allowed"
            raise ParseError(text, self.longest, what)
        parser = _Parser(text, self)
        tree = parser.operation()
        if parser.word:
            raise parser.wrong("an operator or the end")
        return tree


_MATH = _Language(
    {"OR": 1, "AND": 2} | dict.fromkeys(("==", "!=", "<", "<=", ">", ">="), 3) | {"+": 4, "-": 4, "*": 5, "/": 5},
    ("-",),
    FUNCTIONS,
    2048,  # of GetMetricData
    "a number, a string, an id, a function, `(` or `[`",
)
_RULE = _Language({"OR": 1, "AND": 2}, ("NOT",), STATES, 10240, 'ALARM("…"), NOT or `(`')  # of PutCompositeAlarm


def parse_expression(text: str) -> Node:
    """Parse metric math. Raises `ParseError` for wrong syntax and unknown functions.

    >>> parse_expression("errors > 3").below[1]
    Node(kind='number', text='3', below=(), at=9)
    """
    if re.match(r"\s*SELECT\b", text, re.IGNORECASE):
        raise ParseError(text, 0, "a Metrics Insights query is not metric math; use SEARCH or plain metrics")
    return _MATH.parse(text)


def parse_rule(text: str) -> Node:
    """Parse the rule of a composite alarm (AlarmRule of PutCompositeAlarm). Raises `ParseError`."""
    tree = _RULE.parse(text)
    below_calls = {id(below) for node in walk(tree) if node.kind == "call" for below in node.below}
    for node in walk(tree):
        if node.kind not in ("call", "operator") and id(node) not in below_calls:
            raise ParseError(text, node.at, 'expected a condition, as in ALARM("…")')
    return tree


def dependencies(composite: Mapping[str, object]) -> set[str]:
    """Return the alarms in the rule of a composite (parameters of PutCompositeAlarm). Raises `ParseError`."""
    return {node.text for node in walk(parse_rule(str(composite.get("AlarmRule", "")))) if node.kind == "string"}


def holds(rule: Node, state_of: Callable[[str], str]) -> bool:
    """Return whether a rule is true. `state_of` returns the state of an alarm."""
    match rule:
        case Node(text="NOT", below=(operand,)):
            return not holds(operand, state_of)
        case Node(text="AND", below=(left, right)):
            return holds(left, state_of) and holds(right, state_of)
        case Node(text="OR", below=(left, right)):
            return holds(left, state_of) or holds(right, state_of)
    return state_of(rule.below[0].text) == rule.text


class _Parser:
    """Parses by the precedence of operators. `word`: the next token; empty at the end of the text."""

    def __init__(self, text: str, language: _Language) -> None:
        self._text, self._language, self._depth = text, language, 0
        self._tokens = _TOKEN.finditer(text)
        self._kind = self.word = ""
        self._at = 0
        self._take()

    def _take(self) -> Node:
        """Return the next token as a node, and advance."""
        taken = Node(cast("Kind", self._kind), self.word, (), self._at)
        found = next(self._tokens, None)
        self._kind = str(found.lastgroup) if found else ""
        self.word, self._at = (found[self._kind], found.start(self._kind)) if found else ("", len(self._text))
        return taken

    def wrong(self, expected: str) -> ParseError:
        """Return an error for the next token: `expected` says what should be there instead."""
        what = f"expected {expected}, found {f'`{self.word}`' if self.word else 'the end'}"
        return ParseError(self._text, self._at, "the string has no closing quote" if self.word in ("'", '"') else what)

    def operation(self, least: int = 0) -> Node:
        """Parse an operand, and the operators after it that bind more tightly than `least`."""
        left = self._operand()
        while (tightness := self._language.tightness.get(self.word, 0)) > least:
            operator = self._take()
            left = Node("operator", operator.text, (left, self.operation(tightness)), operator.at)
        return left

    def _operand(self) -> Node:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise ParseError(self._text, self._at, f"more than {_DEEPEST} levels of nested parts; simplify the text")
        node = self._one()
        self._depth -= 1
        return node

    def _one(self) -> Node:
        language = self._language
        if self._kind == "word" and self.word not in (*language.tightness, *language.prefixes):
            return self._name()
        if self._kind == "number" and "e" in self.word.lower():
            raise self.wrong(f"the plain number {Decimal(self.word):f}")
        if self._kind not in ("number", "string") and self.word not in (*language.prefixes, "(", "["):
            raise self.wrong(language.expected)
        token = self._take()
        match token.text:
            case "(":
                (node,) = self._items(")", most=1)
                return node
            case "[":
                return Node("array", "", self._items("]"), token.at)
            case prefix if prefix in language.prefixes:
                return Node("operator", prefix, (self._operand(),), token.at)
        return replace(token, text=token.text[1:-1]) if token.kind == "string" else token

    def _name(self) -> Node:
        """Parse an id, or a function with its arguments."""
        token, functions = self._take(), self._language.functions
        name = token.text
        if self.word != "(":
            if name[0].islower():
                return replace(token, kind="id")
            hint = f"; did you mean {name}(…)?" if name in functions else ""
            raise ParseError(self._text, token.at, f"`{name}` is not an id: ids start with a lower-case letter{hint}")
        if name not in functions:
            near = get_close_matches(name.upper(), functions, n=1)
            hint = f"did you mean {near[0]}?" if near else f"known functions: {', '.join(functions)}"
            raise ParseError(self._text, token.at, f"unknown function {name}; {hint}")
        self._take()
        arguments, wanted = self._items(")"), functions[name].split(", ")
        if not sum(not each.endswith("?") for each in wanted) <= len(arguments) <= len(wanted):
            what = f"{name} has {len(arguments)} argument{'s' * (len(arguments) > 1)}; expected {signature(name)}"
            raise ParseError(self._text, token.at, what)
        for argument, kind in zip(arguments, wanted, strict=False):
            if kind == "text" and (argument.kind != "string" or not argument.text):
                raise ParseError(self._text, argument.at, f"expected {TYPES[kind]} as argument of {name}")
        return Node("call", name, arguments, token.at)

    def _items(self, end: str, most: int = _DEEPEST) -> tuple[Node, ...]:
        """Parse items, separated by commas, up to the closing bracket `end`."""
        items = [self.operation()]
        while self.word == "," and len(items) < most:
            self._take()
            items.append(self.operation())
        if self.word != end:
            raise self.wrong(end)
        self._take()
        return tuple(items)


def signature(function: str) -> str:
    """Return a function with the types of its arguments, for messages."""
    return f"{function}({(FUNCTIONS | STATES)[function]})"


_SCHEMA = re.compile(r'\s*\{(?P<names>[^{},"]+(?:,[^{},"]+)*)\}\s*,?')
_CONDITION = re.compile(r'\s*(?:AND\s+)?(?P<property>[\w.:-]+)\s*=\s*"(?P<value>[^"]*)"\s*', re.ASCII)


@dataclass(frozen=True, slots=True)
class Search:
    """The condition of a SEARCH: a metric with exactly these dimensions. The value None stands for any value.

    CloudWatch also allows OR, NOT and parts of names. These are errors here, because lint could not know which metrics
    the search should find.
    """

    namespace: str
    name: str
    dimensions: tuple[tuple[str, str | None], ...]

    def finds(self, metric: TimeSeries) -> bool:
        """Return whether the search finds a time series."""
        wanted, given = dict(self.dimensions), dict(metric.dimensions)
        is_named = (metric.namespace, metric.name) == (self.namespace, self.name) and wanted.keys() == given.keys()
        return is_named and all(value in (None, given[name]) for name, value in wanted.items())


def parse_search(text: str) -> Search:
    """Parse the first argument of SEARCH. Raises `ParseError`.

    >>> parse_search('{Faunalens,stage} MetricName="Requests"')
    Search(namespace='Faunalens', name='Requests', dimensions=(('stage', None),))
    """
    schema = _SCHEMA.match(text)
    if not schema:
        raise ParseError(text, 0, "expected the schema, as in {namespace,dimension,…}")
    namespace, *dimensions = (name.strip() for name in schema["names"].split(","))
    at, values = schema.end(), dict[str, str]()
    while at < len(text.rstrip()):
        found = _CONDITION.match(text, at)
        if not found:
            raise ParseError(text, at, 'expected a condition with a whole value, as in MetricName="Rejections"')
        if found["property"] in values or found["property"] not in ("MetricName", *dimensions):
            known = ", ".join(("MetricName", *dimensions))
            what = f"{found['property']} has two conditions or is not in the schema; write at most one each of {known}"
            raise ParseError(text, at, what)
        values[found["property"]] = found["value"]
        at = found.end()
    if "MetricName" not in values:
        raise ParseError(text, at, 'a search must name its metric, as in MetricName="Rejections"')
    return Search(namespace, values["MetricName"], tuple((name, values.get(name)) for name in dimensions))
