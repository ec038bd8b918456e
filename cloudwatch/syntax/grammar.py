"""Parse small languages with lark. An error shows the place in the text and what is expected there.

Two of the languages, alarm rules and searches, share trees of AND, OR and NOT.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from lark import Lark, Token, Transformer, UnexpectedInput, UnexpectedToken, v_args

_CLOSING = {"RPAR": ")", "RSQB": "]", "RBRACE": "}"}
_EXCERPT = 60  # characters shown on each side of an error


class ParseError(ValueError):
    """The text does not follow the grammar. `at` is the index of the offending character in `text`."""

    def __init__(self, text: str, at: int, what: str) -> None:
        before, after = text[max(0, at - _EXCERPT) : at], text[at : at + _EXCERPT]
        start, end = "…" * (at > _EXCERPT), "…" * (at + _EXCERPT < len(text))
        super().__init__(f"{what}, at character {at + 1} of `{start}{before}{after}{end}`")
        self.text, self.at = text, at


class Misuse(Exception):
    """A transformer's error for a token that follows the grammar but is invalid. `parse` makes it a `ParseError`."""

    def __init__(self, token: Token, what: str) -> None:
        super().__init__(what)
        self.at = token.start_pos or 0


@dataclass(frozen=True, kw_only=True)
class Grammar[Tree]:
    """A language: its lark rules, the transformer that builds the tree, and the class of its errors.

    `expected` describes terminals for error messages, in order of preference; the last entry is the default. `longest`:
    CloudWatch's limit of a text, in characters.
    """

    rules: str
    transformer: Transformer[Token, Tree]
    error: type[ParseError]
    expected: Mapping[str, str]
    longest: int

    @cached_property
    def _lark(self) -> Lark:
        """The parser. It is built on first use, because this takes a few milliseconds."""
        return Lark(self.rules, parser="lalr", transformer=self.transformer, maybe_placeholders=False)

    def parse(self, text: str) -> Tree:
        """Return the tree of a text. Raises the `error` of the language."""
        if len(text) > self.longest:
            what = f"the text has {len(text)} characters, but at most {self.longest} are allowed"
            raise self.error(text, self.longest, what)
        try:
            return self._lark.parse(text)  # type: ignore[return-value]  # the transformer's, not lark's own tree
        except UnexpectedInput as error:
            raise self._unexpected(text, error) from None
        except Misuse as error:
            raise self.error(text, error.at, str(error)) from None

    def _unexpected(self, text: str, error: UnexpectedInput) -> ParseError:
        at = error.pos_in_stream or 0
        if isinstance(error, UnexpectedToken) and error.token.type == "$END":
            at = len(text)
        found = getattr(error, "token", "") or text[at : at + 1]
        if found in ("'", '"'):
            return self.error(text, at, "the string has no closing quote")
        *operands, (_, default) = self.expected.items()
        known = [*operands, *_CLOSING.items()]
        accepted = error.interactive_parser.accepts()  # type: ignore[no-untyped-call]
        expected = next((words for terminal, words in known if terminal in accepted), default)
        return self.error(text, at, f"expected {expected}, found {f'`{found}`' if found else 'the end'}")


BOOLEAN_RULES = """
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
    """Builds `Not`, `And` and `Or` from the results of the grammar rules in `BOOLEAN_RULES`."""

    def disjunction(self, *operands: Any) -> Or[Any]:
        return Or(operands)

    def conjunction(self, *operands: Any) -> And[Any]:
        return And(operands)

    def negation(self, _not: Token, operand: Any) -> Not[Any]:
        return Not(operand)
