"""Define trees of AND, OR and NOT, for alarm rules and search expressions."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from lark import Token, Transformer, v_args

RULES = """
    ?disjunction: conjunction (_OR conjunction)*
    ?operand: NOT operand -> negation
        | "(" disjunction ")"
        | leaf
"""
"""The grammar rules of both languages. Each language adds `start`, `conjunction`, `leaf` and terminals."""


@dataclass(frozen=True, slots=True)
class Not[Leaf]:
    """True if the operand is false."""

    operand: "Boolean[Leaf]"


@dataclass(frozen=True, slots=True)
class And[Leaf]:
    """True if all operands are true."""

    operands: "tuple[Boolean[Leaf], ...]"


@dataclass(frozen=True, slots=True)
class Or[Leaf]:
    """True if any operand is true."""

    operands: "tuple[Boolean[Leaf], ...]"


type Boolean[Leaf] = Leaf | Not[Leaf] | And[Leaf] | Or[Leaf]


def leaves[Leaf](tree: Boolean[Leaf], *, negated: bool = True) -> Iterator[Leaf]:
    """Yield the leaves from left to right. If `negated` is false, skip leaves below a NOT."""
    match tree:
        case Not(operand=operand):
            if negated:
                yield from leaves(operand)
        case And(operands=operands) | Or(operands=operands):
            for each in operands:
                yield from leaves(each, negated=negated)
        case leaf:
            yield leaf


def holds[Leaf](tree: Boolean[Leaf], leaf_holds: Callable[[Leaf], bool]) -> bool:
    """Return whether the tree is true. `leaf_holds` returns whether a leaf is true."""
    match tree:
        case Not(operand=operand):
            return not holds(operand, leaf_holds)
        case And(operands=operands):
            return all(holds(each, leaf_holds) for each in operands)
        case Or(operands=operands):
            return any(holds(each, leaf_holds) for each in operands)
        case leaf:
            return leaf_holds(leaf)


@v_args(inline=True)
class BooleanTransformer(Transformer[Token, Any]):
    """Builds `Not`, `And` and `Or` from the results of the grammar rules in `RULES`."""

    def disjunction(self, *operands: Any) -> Or[Any]:
        return Or(operands)

    def conjunction(self, *operands: Any) -> And[Any]:
        return And(operands)

    def negation(self, _not: Token, operand: Any) -> Not[Any]:
        return Not(operand)
