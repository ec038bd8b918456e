"""Parse metric math, the rules of composite alarms, which have the same form, and searches.

    IF(requests >= 50, 100 * rejections / requests)
    ALARM("burn-fast") AND NOT (ALARM("page") OR OK("latency"))
    {Faunalens,code,stage} MetricName="Rejections" stage="dev"

But for AND, OR and NOT, the first two look like Python. So Python's own parser reads them, and its syntax trees are the
result, in which only the parts in `_PARTS` are allowed. Evaluation checks that ids and functions exist and types fit.
"""

import ast
import re
from collections.abc import Callable, Mapping
from keyword import iskeyword

from dashboards.graphed_metrics import TimeSeries

OPERATORS: Mapping[type[ast.AST], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.USub: "-",
    ast.And: "AND",
    ast.Or: "OR",
} | {ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">="}
"""The operators of metric math, by their class in Python's syntax trees."""
_PARTS = (*OPERATORS, ast.Not, ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare, ast.Call, ast.List, ast.Name, ast.Load)
_WORDS = re.compile(r"""'[^']*'|"[^"]*"|\b[A-Za-z]\w*""")
_ID = "__"
"""Added to ids such as `lambda`, which are keywords of Python, while Python parses a text."""
_NUMBER = re.compile(r"\d+\.?\d*|\.\d+", re.ASCII)
STATES = ("ALARM", "OK", "INSUFFICIENT_DATA")
"""Functions of a rule. Each is true if the alarm that its argument names is in this state."""


class ParseError(ValueError):
    """The text does not follow the grammar. The message has the text and says what was expected."""


def parse_expression(text: str) -> ast.expr:
    """Parse metric math. Raises `ParseError`.

    >>> ast.unparse(parse_expression("errors > 3 AND requests > 0"))
    'errors > 3 and requests > 0'
    """
    return _parse(text, 2048)  # the longest expression of GetMetricData


def parse_rule(text: str) -> ast.expr:
    """Parse the rule of a composite alarm (AlarmRule of PutCompositeAlarm). Raises `ParseError`."""
    rule = _parse(text, 10240)  # the longest rule of PutCompositeAlarm
    holds(rule, lambda _: "OK")
    return rule


def dependencies(composite: Mapping[str, object]) -> set[str]:
    """Return the alarms in the rule of a composite (parameters of PutCompositeAlarm). Raises `ParseError`."""
    named = set[str]()
    holds(_parse(str(composite.get("AlarmRule", "")), 10240), named.add)
    return named


def holds(rule: ast.expr, state_of: Callable[[str], object]) -> bool:
    """Return whether a rule is true. `state_of` returns the state of an alarm. Raises `ParseError` if it is no rule."""
    match rule:
        case ast.Call(ast.Name(state), [ast.Constant(str(name))], []) if state in STATES and name:
            return state_of(name) == state
        case ast.UnaryOp(ast.Not(), operand):
            return not holds(operand, state_of)
        case ast.BoolOp(operator, operands):
            found = [holds(each, state_of) for each in operands]
            return all(found) if isinstance(operator, ast.And) else any(found)
    raise ParseError(f'`{written(rule)}`: expected a condition, as in ALARM("…"), with one of {", ".join(STATES)}')


def written(tree: ast.AST) -> str:
    """Return a part of an expression as text, shortened for messages."""
    text = re.sub(r"\b(and|or|not)\b", lambda word: word[0].upper(), ast.unparse(tree))
    return text if len(text) <= 60 else f"{text[:59]}…"


def _parse(text: str, longest: int) -> ast.expr:
    if len(text) > longest:
        raise ParseError(f"the text has {len(text)} characters, but at most {longest} are allowed; shorten it")
    python = _WORDS.sub(_as_python, " ".join(text.split()))
    try:
        tree = ast.parse(python, mode="eval").body
        parts = list(ast.walk(tree))
    except SyntaxError as error:
        what = "expected one operator between two operands" if "invalid syntax" in error.msg else error.msg
        raise ParseError(f"{what}, near character {error.offset or 1} of `{text[:200]}`; correct it") from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise ParseError(f"the text cannot be read ({type(error).__name__}); simplify it") from None
    for part in parts:
        if isinstance(part, ast.Name):
            part.id = part.id.removesuffix(_ID)
        if not _is_allowed(part, python):
            what = "a number such as 0.5, an id, a function with arguments, a list, or one of the operators"
            raise ParseError(f"`{written(part)}`: expected {what} {' '.join(OPERATORS.values())}")
    return tree


def _as_python(word: re.Match[str]) -> str:
    if word[0] in ("AND", "OR", "NOT"):
        return word[0].lower()
    return word[0] + _ID if iskeyword(word[0]) else word[0]


def _is_allowed(part: ast.AST, text: str) -> bool:
    match part:
        case ast.Constant(value):  # of numbers only plain ones: no 1e3, which metric math does not know
            return isinstance(value, str) or bool(_NUMBER.fullmatch(ast.get_source_segment(text, part) or ""))
        case ast.BinOp(op=operator) | ast.UnaryOp(op=operator) | ast.Compare(ops=[operator]):
            return isinstance(operator, _PARTS)
        case ast.Compare():
            return False
        case ast.Call(function, _, keywords):
            return isinstance(function, ast.Name) and not keywords
    return isinstance(part, _PARTS)


_SEARCH = re.compile(r'\s*\{([^{}"]+)\}\s*((?:[\w.:-]+\s*=\s*"[^"]*"\s*)+)')
_CONDITION = re.compile(r'([\w.:-]+)\s*=\s*"([^"]*)"')


ANY = "*"
"""In the result of `parse_search`, the value of a dimension that may have any value."""


def parse_search(text: str) -> TimeSeries:
    """Return the metric that the first argument of SEARCH finds, with exactly its dimensions. Raises `ParseError`.

    CloudWatch also allows AND, OR, NOT and parts of names. These are errors here, because lint could not know which
    metrics the search should find.

    >>> parse_search('{Faunalens,stage} MetricName="Requests"')
    TimeSeries(namespace='Faunalens', name='Requests', dimensions=(('stage', '*'),))
    """
    if found := _SEARCH.fullmatch(text):
        namespace, *dimensions = (name.strip() for name in found[1].split(","))
        conditions = _CONDITION.findall(found[2])
        values = dict(conditions)
        if "MetricName" in values and len(values) == len(conditions) and values.keys() <= {"MetricName", *dimensions}:
            return TimeSeries.of(namespace, values["MetricName"], {name: values.get(name, ANY) for name in dimensions})
    what = 'whole values of MetricName and of dimensions in the braces, as in {Faunalens,stage} MetricName="Requests"'
    raise ParseError(f"`{text[:200]}` is no search that lint knows; a search must name its metric: write {what}")


def finds(wanted: TimeSeries, metric: TimeSeries) -> bool:
    """Return whether a search finds a metric. `wanted`: what `parse_search` returned."""
    one, other = dict(wanted.dimensions), dict(metric.dimensions)
    is_named = wanted[:2] == metric[:2] and one.keys() == other.keys()
    return is_named and all(value in (ANY, other[name]) for name, value in one.items())
