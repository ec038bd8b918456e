"""Parse the rule of a composite alarm, such as `ALARM("a") AND (OK("b") OR NOT ALARM("c"))`.

Source: AlarmRule of PutCompositeAlarm in the CloudWatch API reference. Alarm names may be quoted or not.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from lark import Token, v_args

from cloudwatch.syntax.grammar import BOOLEAN_RULES, Boolean, BooleanTransformer, Grammar, Misuse, ParseError, leaves

_RULES = r"""
    ?start: disjunction
    ?conjunction: operand (_AND operand)*
    ?leaf: STATE "(" (QUOTED | WORD) ")" -> state
        | (TRUE | FALSE) -> constant

    _OR: /OR(?![^\s()"])/
    _AND: /AND(?![^\s()"])/
    NOT: /NOT(?![^\s()"])/
    STATE: /(ALARM|OK|INSUFFICIENT_DATA)(?![^\s()"])/
    TRUE: /TRUE(?![^\s()"])/
    FALSE: /FALSE(?![^\s()"])/
    QUOTED: /"[^"]*"/
    WORD: /[^\s()"]+/
    %ignore /\s+/
"""
_NAME = "the name of an alarm in quotes"


class RuleError(ParseError):
    """The text is not an alarm rule."""


@dataclass(frozen=True, slots=True)
class InState:
    """True if the alarm is in the state ALARM, OK or INSUFFICIENT_DATA."""

    state: str
    alarm: str


@dataclass(frozen=True, slots=True)
class Constant:
    """The constant TRUE or FALSE."""

    value: bool


type Rule = Boolean[InState | Constant]


def parse_rule(text: str) -> Rule:
    """Parse a rule. Raises `RuleError`.

    >>> parse_rule('ALARM("a") AND NOT OK(b)')
    And(operands=(InState(state='ALARM', alarm='a'), Not(operand=InState(state='OK', alarm='b'))))
    """
    return _GRAMMAR.parse(text)


def alarms_in(rule: Rule) -> Iterator[str]:
    """Yield the names of the alarms in a rule, from left to right, with repetitions."""
    return (leaf.alarm for leaf in leaves(rule) if isinstance(leaf, InState))


def dependencies(composite: Mapping[str, object]) -> set[str]:
    """Return the alarms in the rule of a composite (parameters of PutCompositeAlarm). Raises `RuleError`."""
    return set(alarms_in(parse_rule(str(composite.get("AlarmRule", "")))))


@v_args(inline=True)
class _ToRule(BooleanTransformer):
    def state(self, state: Token, alarm: Token) -> InState:
        if alarm == '""':
            raise Misuse(alarm, f"expected {_NAME}, found an empty name")
        return InState(str(state), alarm.strip('"'))

    def constant(self, word: Token) -> Constant:
        return Constant(word == "TRUE")


_GRAMMAR: Grammar[Rule] = Grammar(
    rules=BOOLEAN_RULES + _RULES,
    transformer=_ToRule(),
    error=RuleError,
    expected={
        "STATE": 'ALARM("…"), OK("…"), INSUFFICIENT_DATA("…"), NOT, TRUE, FALSE or (',
        "LPAR": "(",
        "QUOTED": _NAME,
        "$END": "AND, OR or the end",
    },
    longest=10240,  # of AlarmRule in PutCompositeAlarm
)
