"""The tree of an expression of metric math: what `cloudwatch.syntax.expression.parse` makes.

`at` is the place in the text, 0 for the first character; two trees that differ only there are equal.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Number:
    """A number as written, without sign."""

    value: float
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class String:
    """What stands between quotes, with backslashes as written (SEARCH gives them a meaning)."""

    text: str
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Name:
    """The id of another line."""

    id: str
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Word:
    """A word that a function takes, such as REPEAT or DESC."""

    word: str
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Array:
    """`[m1, m2]`."""

    items: "tuple[Node, ...]"
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Negative:
    """Unary minus."""

    operand: "Node"
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Binary:
    """Two sides and what is between: `+ - * / ^ == != < <= > >= AND OR`."""

    operator: str
    left: "Node"
    right: "Node"
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Call:
    """A documented function with as many arguments as it takes."""

    function: str
    arguments: "tuple[Node, ...]"
    at: int = field(default=0, compare=False)


type Node = Number | String | Name | Word | Array | Negative | Binary | Call


def children(node: Node) -> tuple[Node, ...]:
    """What stands right below a node, from left to right."""
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
    """The node and all below it, from left to right."""
    yield node
    for child in children(node):
        yield from walk(child)


def depth(node: Node) -> int:
    """How many levels the tree has; 1 for a single number."""
    level, levels = [node], 0
    while level:
        level, levels = [child for above in level for child in children(above)], levels + 1
    return levels


def names(node: Node) -> set[str]:
    """The ids of other lines that an expression names (those that `METRICS()` means are not among them)."""
    return {found.id for found in walk(node) if isinstance(found, Name)}


def write(node: Node) -> str:
    """The expression as text that reads back as the same tree."""
    match node:
        case Number(value=value):
            return f"{Decimal(repr(value)):f}".removesuffix(".0")
        case String(text=text):
            quote = '"' if "'" in text else "'"
            return f"{quote}{text}{quote}"
        case Name(id=word) | Word(word=word):
            return word
        case Array(items=items):
            return f"[{', '.join(map(write, items))}]"
        case Negative(operand=operand):
            return f"(-{write(operand)})"
        case Binary(operator=operator, left=left, right=right):
            return f"({write(left)} {operator} {write(right)})"
        case Call(function=function, arguments=arguments):
            return f"{function}({', '.join(map(write, arguments))})"
