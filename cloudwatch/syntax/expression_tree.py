"""The tree of a metric math expression, as `parse_expression` returns it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class _Node:
    """A node. `at` is the index of its first character or of its operator. Comparisons of nodes ignore `at`."""

    at: int = field(default=0, compare=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class Number(_Node):
    """A number without a sign."""

    value: float


@dataclass(frozen=True, slots=True)
class String(_Node):
    """The text between quotes; it keeps backslashes, which SEARCH interprets."""

    text: str


@dataclass(frozen=True, slots=True)
class Name(_Node):
    """The id of another metric or expression."""

    id: str


@dataclass(frozen=True, slots=True)
class Keyword(_Node):
    """A keyword that a function accepts, such as REPEAT or DESC."""

    word: str


@dataclass(frozen=True, slots=True)
class Array(_Node):
    """An array, such as `[m1, m2]`."""

    items: "tuple[Node, ...]"


@dataclass(frozen=True, slots=True)
class Negative(_Node):
    """An operand with a unary minus."""

    operand: "Node"


@dataclass(frozen=True, slots=True)
class Binary(_Node):
    """Two operands and one of `+ - * / ^ == != < <= > >= AND OR`."""

    operator: str
    left: "Node"
    right: "Node"


@dataclass(frozen=True, slots=True)
class Call(_Node):
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
