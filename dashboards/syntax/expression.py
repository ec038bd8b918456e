"""Parse metric math, the rules of composite alarms, which have the same form, and searches.

    IF(requests >= 50, 100 * rejections / requests)
    ALARM("burn-fast") AND NOT (ALARM("page") OR OK("latency"))
    {Faunalens,code,stage} MetricName="Rejections" stage="dev"

Only the functions and operators of CloudWatch's user guide ("Using metric math") that dashboards and alarms use are
known. To use another one, list it here and evaluate it in dashboards/math/evaluate.py. Ids start with a lower-case
letter; functions are in capitals. Evaluation checks that ids exist and that types fit.
"""

import ast
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from keyword import iskeyword
from typing import Literal

from dashboards.syntax.graphed_metrics import TimeSeries

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
_TOKEN = re.compile(
    r"""(?P<space>\s+)|(?P<word>[A-Za-z]\w*+(?!["']))|(?P<string>(?:"[^"]*"|'[^']*')(?!\s*["']))
      |(?P<number>(?:\d+\.?\d*|\.\d+)(?![\w.]))|(?P<sign>==|!=|[<>]=?|[-+*/()\[\]]|,(?!\s*[)\]]))|(?P<wrong>.)""",
    re.VERBOSE | re.ASCII | re.DOTALL,
)
_SIGNS: Mapping[type[ast.AST], str] = (
    {ast.And: "AND", ast.Or: "OR", ast.Not: "NOT", ast.USub: "-"}
    | {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}
    | {ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">="}
)
"""Operators, by their class in Python's syntax trees."""
_OPERATORS = f"one of the operators {' '.join(_SIGNS.values())}"


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

    `below` has the arguments of a function, the items of an array, or the operands of an operator: one of NOT and of
    `-` as a sign, two or more of AND and OR.
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


def parse_expression(text: str) -> Node:
    """Parse metric math. Raises `ParseError` for wrong syntax and unknown functions.

    >>> parse_expression("errors > 3").below[1]
    Node(kind='number', text='3', below=(), at=9)
    """
    if re.match(r"\s*SELECT\b", text, re.IGNORECASE):
        raise ParseError(text, 0, "a Metrics Insights query is not metric math; use SEARCH or plain metrics")
    tree = _parse(text, FUNCTIONS, 2048)  # the longest expression of GetMetricData
    for node in walk(tree):
        if (node.kind, node.text) == ("operator", "NOT"):
            raise ParseError(text, node.at, "metric math has no NOT; compare with 0 instead")
    return tree


def parse_rule(text: str) -> Node:
    """Parse the rule of a composite alarm (AlarmRule of PutCompositeAlarm). Raises `ParseError`."""
    tree = _parse(text, STATES, 10240)  # the longest rule of PutCompositeAlarm
    operators = [node for node in walk(tree) if node.kind == "operator"]
    for node in (tree, *operators, *(each for operator in operators for each in operator.below)):
        if node.kind == "string" or node.text not in ("AND", "OR", "NOT", *STATES):
            raise ParseError(text, node.at, 'expected a condition, as in ALARM("…")')
    return tree


def dependencies(composite: Mapping[str, object]) -> set[str]:
    """Return the alarms in the rule of a composite (parameters of PutCompositeAlarm). Raises `ParseError`."""
    return {node.text for node in walk(parse_rule(str(composite.get("AlarmRule", "")))) if node.kind == "string"}


def holds(rule: Node, state_of: Callable[[str], str]) -> bool:
    """Return whether a rule is true. `state_of` returns the state of an alarm."""
    if rule.kind == "call":
        return state_of(rule.below[0].text) == rule.text
    found = [holds(each, state_of) for each in rule.below]
    return {"NOT": not found[0], "AND": all(found), "OR": any(found)}[rule.text]


def _parse(text: str, functions: Mapping[str, str], longest: int) -> Node:
    """Return the tree of a text. Python's own parser makes it: but for AND, OR and NOT, the text looks like Python."""
    if len(text) > longest:
        raise ParseError(text, longest, f"the text has {len(text)} characters, but at most {longest} are allowed")
    text = text.strip()
    try:
        return _node(ast.parse(_TOKEN.sub(_as_python, text), mode="eval").body, text, functions)
    except SyntaxError as error:
        what = "expected one operator between two operands" if "invalid syntax" in error.msg else error.msg
        at = error.offset - 1 if error.offset else len(text)
        raise ParseError(text, min(at, len(text)), f"{what}; correct it") from None
    except (RecursionError, MemoryError):
        raise ParseError(text, 0, "there are too many parts within one another; simplify the text") from None


def _as_python(token: re.Match[str]) -> str:
    """Return a token for Python, of the same length. `_node` reads numbers, strings and ids from the text itself."""
    length = len(token[0])
    match token.lastgroup:
        case "wrong":
            what = f"expected a plain number, a string in quotes, an id, a function, a bracket or {_OPERATORS}"
            raise ParseError(token.string, token.start(), what)
        case "space":
            return " " * length
        case "number":  # may begin with zeros
            return "1" * length
        case "string":  # may have backslashes, line breaks and characters of several bytes
            return f"'{'_' * (length - 2)}'"
        case "word" if token[0] in _SIGNS.values():
            return token[0].lower()
        case "word" if iskeyword(token[0]):  # an id such as `in`
            return "_" * length
    return token[0]


def _node(tree: ast.expr, text: str, functions: Mapping[str, str]) -> Node:
    """Return the node for a part of Python's syntax tree."""
    at = tree.col_offset
    written = text[at : tree.end_col_offset]

    def made(kind: Kind, name: str, *parts: ast.expr) -> Node:
        return Node(kind, name, tuple(_node(each, text, functions) for each in parts), at)

    match tree:
        case ast.BoolOp(op, parts):
            return made("operator", _SIGNS[type(op)], *parts)
        case ast.BinOp(left, op, right) | ast.Compare(left, [op], [right]) if type(op) in _SIGNS:
            return made("operator", _SIGNS[type(op)], left, right)
        case ast.UnaryOp(op, operand) if type(op) in _SIGNS:
            return made("operator", _SIGNS[type(op)], operand)
        case ast.List([_, *_] as items):
            return made("array", "", *items)
        case ast.Constant(value):
            return made("string", written[1:-1]) if isinstance(value, str) else made("number", written)
        case ast.Name() if written[0].islower():
            return made("id", written)
        case ast.Call(ast.Name() as function, arguments, []) if function.col_offset == at:
            call = made("call", text[at : function.end_col_offset], *arguments)
            if error := _call_error(call, functions):
                raise ParseError(text, at, error)
            return call
    what = "a number, an id (which starts with a lower-case letter), a function with arguments, or one comparison"
    raise ParseError(text, at, f"expected {what}")


def _call_error(call: Node, functions: Mapping[str, str]) -> str | None:
    """Return why a call is wrong: an unknown function, or too few, too many or wrong arguments."""
    if call.text not in functions:
        near = get_close_matches(call.text.upper(), functions, n=1)
        hint = f"did you mean {near[0]}?" if near else f"known functions: {', '.join(functions)}"
        return f"unknown function {call.text}; {hint}"
    wanted = functions[call.text].split(", ")
    is_text = [each.kind == "string" and each.text != "" for each in call.below]
    least = sum(not each.endswith("?") for each in wanted)
    if least <= len(is_text) and [kind == "text" for kind in wanted[: len(is_text)]] == is_text:
        return None
    return f"{call.text} cannot take these arguments; expected {signature(call.text)}"


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
