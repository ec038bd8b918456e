"""Parse small languages with lark. An error shows the place in the text and what is expected there.

Two of the languages, alarm rules and searches, share trees of AND, OR and NOT.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from lark import Lark, Token, Transformer, UnexpectedCharacters, UnexpectedToken, v_args
from lark.parsers.lalr_interactive_parser import InteractiveParser

_CLOSING = {"LPAR": {"RPAR": ")"}, "LSQB": {"RSQB": "]"}, "LBRACE": {"RBRACE": "}"}}
_NESTING = ("LPAR", "LSQB", "NOT")  # terminals that open a level
_EXCERPT = 60  # characters shown on each side of an error


class ParseError(ValueError):
    """The text does not follow the grammar. `at` is the index of the offending character in `text`."""

    def __init__(self, text: str, at: int, what: str) -> None:
        before, after = text[max(0, at - _EXCERPT) : at], text[at : at + _EXCERPT]
        start, end = "…" * (at > _EXCERPT), "…" * (at + _EXCERPT < len(text))
        super().__init__(f"{what}, at character {at + 1} of `{start}{before}{after}{end}`")
        self.text, self.at, self.what = text, at, what


class Misuse(Exception):
    """A transformer's error for text that follows the grammar but is invalid. `parse` turns it into a `ParseError`."""

    def __init__(self, at: int, what: str) -> None:
        super().__init__(what)
        self.at, self.what = at, what


@dataclass(frozen=True, kw_only=True)
class Grammar[Tree]:
    """A language: its lark rules, the transformer that builds the tree, the class of its errors, and its limits.

    `expected` describes terminals for error messages, in order of preference; the last entry is the default.
    A text has at most `deepest` levels of nesting and `longest` characters.
    """

    rules: str
    transformer: Transformer[Token, Tree]
    error: type[ParseError]
    expected: Mapping[str, str]
    longest: int
    deepest: int

    @cached_property
    def _lark(self) -> Lark:
        """The parser. It is built on first use, because this takes a few milliseconds."""
        return Lark(self.rules, parser="lalr", transformer=self.transformer, maybe_placeholders=False)

    def parse(self, text: str) -> Tree:
        """Return the tree of a text. Raises the `error` of the language."""
        if len(text) > self.longest:
            raise self.error(
                text,
                self.longest,
                f"the text has {len(text)} characters, but at most {self.longest} are allowed",
            )
        parser = self._lark.parse_interactive(text)
        try:
            for _ in parser.iter_parse():
                levels = [token for token in _open(parser) if token.type in _NESTING]
                if len(levels) > self.deepest:
                    what = f"the text has more than {self.deepest} levels of nesting; simplify it"
                    raise Misuse(levels[-1].start_pos or 0, what)
            tree: Tree = parser.feed_token(Token("$END", ""))
        except UnexpectedCharacters as error:
            raise self._unexpected(parser, text, error.pos_in_stream or 0) from None
        except UnexpectedToken as error:
            at = len(text) if error.token.type == "$END" else error.token.start_pos or 0
            raise self._unexpected(parser, text, at, error.token) from None
        except Misuse as error:
            raise self.error(text, error.at, error.what) from None
        return tree

    def _unexpected(self, parser: InteractiveParser, text: str, at: int, token: str = "") -> ParseError:
        found = token or text[at : at + 1]
        if found in ("'", '"'):
            return self.error(text, at, "the string has no closing quote")
        closing = {
            close: f"{sign} for the {bracket} at character {(bracket.start_pos or 0) + 1}"
            for bracket in _open(parser)
            for close, sign in _CLOSING.get(bracket.type, {}).items()
        }
        *operands, (_, default) = self.expected.items()
        accepted = parser.accepts()  # type: ignore[no-untyped-call]
        candidates = [*operands, *closing.items()]
        expected = next((words for terminal, words in candidates if terminal in accepted), default)
        return self.error(text, at, f"expected {expected}, found {f'`{found}`' if found else 'the end'}")


def _open(parser: InteractiveParser) -> list[Token]:
    """Return the tokens that the parser has read but not yet reduced, such as open brackets."""
    return [each for each in parser.parser_state.value_stack if isinstance(each, Token)]


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
