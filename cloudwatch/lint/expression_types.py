"""Infer the types of expressions (`S` is a number, `TS` one time series, `TS[]` several). Find wrong arguments.

`syntax/metric_functions.py` lists the types that each function accepts and returns.
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
"""The type of an id that does not exist or is part of a cycle. Other checks report such ids."""

WORDS = {"S": "a number", "TS": "one time series", "TS[]": "several time series", "text": "a string"}


def types_of(trees: Mapping[str, Node], series: Iterable[str]) -> dict[str, str]:
    """Return the type of every entry of a graph, by id. `trees`: the expressions; `series`: the ids of the metrics."""
    types = dict.fromkeys(series, "TS")
    left = dict(trees)
    while ready := [name for name, tree in left.items() if not referenced_ids(tree) & left.keys()]:
        types |= {name: type_of(left.pop(name), types) for name in ready}
    return types | dict.fromkeys(left, UNKNOWN)


def type_of(node: Node, ids: Mapping[str, str]) -> str:
    """Return the type of a node. `ids`: the type of every id."""
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
    """Yield a message for each argument whose type the function does not accept."""
    for call in walk(node):
        if isinstance(call, Call):
            function = FUNCTIONS[call.function]
            for place, argument in enumerate(call.arguments):
                allowed = function.parameters[min(place, len(function.parameters) - 1)]
                type_ = type_of(argument, ids)
                if type_ in WORDS and type_ not in allowed:
                    given = f"{to_text(argument)} is {WORDS[type_]}"
                    yield f"{given}, which {call.function} does not accept; write {function.signature}"
