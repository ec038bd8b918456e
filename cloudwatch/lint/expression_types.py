"""Infer what expressions return, a number (`S`), one time series (`TS`) or several (`TS[]`), and find wrong arguments.

`syntax/metric_functions.py` lists what each function accepts and returns.
"""

from collections.abc import Iterable, Iterator, Mapping

from cloudwatch.syntax.expression_tree import (
    Array,
    Binary,
    Call,
    Keyword,
    Name,
    Negative,
    Node,
    String,
    referenced_ids,
    to_text,
    walk,
)
from cloudwatch.syntax.metric_functions import FUNCTIONS

UNKNOWN = "unknown"
"""The type of an id that does not exist or is part of a cycle; other checks report these."""

WORDS = {"S": "a number", "TS": "one time series", "TS[]": "several time series", "text": "a string"}


def types_of(trees: Mapping[str, Node], series: Iterable[str]) -> dict[str, str]:
    """Return what every entry of a graph returns, by id. `trees`: its expressions; `series`: ids of its metrics."""
    types = dict.fromkeys(series, "TS")
    left = dict(trees)
    while ready := [name for name, tree in left.items() if not referenced_ids(tree) & left.keys()]:
        types |= {name: type_of(left.pop(name), types) for name in ready}
    return types | dict.fromkeys(left, UNKNOWN)


def type_of(node: Node, ids: Mapping[str, str]) -> str:
    """Return what a node returns. `ids`: the same for every id."""
    match node:
        case Name(id=name):
            return ids.get(name, UNKNOWN)
        case String():
            return "text"
        case Keyword():
            return "keyword"
        case Array():
            return "TS[]"
        case Negative(operand=operand):
            return type_of(operand, ids)
        case Binary(left=left, right=right):
            sides = type_of(left, ids), type_of(right, ids)
            return next((widest for widest in (UNKNOWN, "TS[]", "TS") if widest in sides), "S")
        case Call(function=function, arguments=arguments):
            first = type_of(arguments[0], ids) if arguments else "TS[]"
            returns = FUNCTIONS[function].returns
            folded = {"TS[]": "TS", "TS": "S", UNKNOWN: UNKNOWN}.get(first, "S")
            return {"same": first, "folded": folded}.get(returns, returns)
        case _:
            return "S"


def misfits(node: Node, ids: Mapping[str, str]) -> Iterator[str]:
    """Yield the arguments whose type the function does not accept."""
    for call in walk(node):
        if isinstance(call, Call):
            function = FUNCTIONS[call.function]
            for place, argument in enumerate(call.arguments):
                allowed = function.parameters[min(place, len(function.parameters) - 1)]
                type_ = type_of(argument, ids)
                if type_ in WORDS and type_ not in allowed:
                    given = f"{to_text(argument)} is {WORDS[type_]}"
                    yield f"{given}, which {call.function} does not accept; write {function.signature}"
