"""What an expression gives: a number (`S`), one time series (`TS`) or several (`TS[]`), and where that does not fit.

`syntax/metric_functions.py` says what each function takes and returns. What an id stands for shows only beside the
other lines.
"""

from collections.abc import Iterable, Iterator, Mapping

from cloudwatch.syntax.expression import Node, names, walk, write
from cloudwatch.syntax.metric_functions import FUNCTIONS
from cloudwatch.syntax.nodes import Array, Binary, Call, Name, Negative, String, Word

ANY = "any"
"""Of a name that no line has, which is said elsewhere."""

WORDS = {"S": "a number", "TS": "one series", "TS[]": "several series", "text": "a text"}
"""How people are told of a kind."""


def kinds_of(trees: Mapping[str, Node], series: Iterable[str]) -> dict[str, str]:
    """What every line gives, by its id. `trees`: of the expressions; `series`: ids of metrics."""
    kinds = dict.fromkeys(series, "TS")
    left = dict(trees)
    while free := [name for name, tree in left.items() if not names(tree) & left.keys()]:
        kinds |= {name: kind_of(left.pop(name), kinds) for name in free}
    return kinds | dict.fromkeys(left, ANY)  # what is made from itself


def kind_of(node: Node, ids: Mapping[str, str]) -> str:
    """What a node gives. `ids`: the same for every line that has an id."""
    match node:
        case Name(id=name):
            return ids.get(name, ANY)
        case String():
            return "text"
        case Word():
            return "word"
        case Array():
            return "TS[]"
        case Negative(operand=operand):
            return kind_of(operand, ids)
        case Binary(left=left, right=right):
            return _wider(kind_of(left, ids), kind_of(right, ids))
        case Call(function=function, arguments=arguments):
            first = kind_of(arguments[0], ids) if arguments else "TS[]"
            returns = FUNCTIONS[function].returns
            folded = {"TS[]": "TS", "TS": "S", ANY: ANY}.get(first, "S")
            return {"same": first, "folded": folded}.get(returns, returns)
        case _:
            return "S"


def misfits(node: Node, ids: Mapping[str, str]) -> Iterator[str]:
    """Arguments of functions that are of a kind which the function does not take."""
    for call in walk(node):
        if isinstance(call, Call):
            function = FUNCTIONS[call.function]
            for place, argument in enumerate(call.arguments):
                allowed = function.parameters[min(place, len(function.parameters) - 1)]
                kind = kind_of(argument, ids)
                if kind in WORDS and kind not in allowed:
                    given = f"{write(argument)} is {WORDS[kind]}"
                    yield f"{given}, which {call.function} does not take; write {function.signature}"


def _wider(one: str, other: str) -> str:
    """What arithmetic on two kinds gives."""
    return next((kind for kind in (ANY, "TS[]", "TS") if kind in (one, other)), "S")
