"""The rule of a composite alarm, read: `ALARM("a") AND (OK("b") OR NOT ALARM("c"))`.

    rule        = conjunction { "OR" conjunction }
    conjunction = condition { "AND" condition }
    condition   = "NOT" condition | "(" rule ")" | state "(" alarm ")" | "TRUE" | "FALSE"
    state       = "ALARM" | "OK" | "INSUFFICIENT_DATA"

Source: AlarmRule of PutCompositeAlarm in the CloudWatch API reference; alarms are named in quotes or without.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

STATES = ("ALARM", "OK", "INSUFFICIENT_DATA")
LONGEST = 10240  # characters, as PutCompositeAlarm takes

_TOKEN = re.compile(r'\s*(?:(?P<sign>[()])|"(?P<quoted>[^"]+)"|(?P<word>[^\s()"]+)|(?P<other>"))')


class RuleError(ValueError):
    """A rule that cannot be read; the message says where and what was expected."""


@dataclass(frozen=True, slots=True)
class In:
    """Whether an alarm is in a state."""

    state: str
    alarm: str


@dataclass(frozen=True, slots=True)
class Constant:
    """TRUE or FALSE."""

    value: bool


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite."""

    rule: "Rule"


@dataclass(frozen=True, slots=True)
class And:
    """AND."""

    rules: "tuple[Rule, ...]"


@dataclass(frozen=True, slots=True)
class Or:
    """OR."""

    rules: "tuple[Rule, ...]"


type Rule = In | Constant | Not | And | Or


def parse_rule(text: str) -> Rule:
    """Read a rule. Raises `RuleError`.

    >>> parse_rule('ALARM("a") AND NOT OK(b)')
    And(rules=(In(state='ALARM', alarm='a'), Not(rule=In(state='OK', alarm='b'))))
    """
    if len(text) > LONGEST:
        raise RuleError(f"the rule has {len(text)} characters, at most {LONGEST} are taken; split it in two composites")
    parser = _Parser(text)
    rule = parser.any()
    parser.end()
    return rule


def alarms_of(rule: Rule) -> Iterator[str]:
    """Names of the alarms that a rule asks for, from left to right, each as often as it stands there."""
    match rule:
        case In(alarm=alarm):
            yield alarm
        case Not(rule=inner):
            yield from alarms_of(inner)
        case And(rules=rules) | Or(rules=rules):
            for each in rules:
                yield from alarms_of(each)


def asked_by(composite: Mapping[str, object]) -> set[str]:
    """Names of the alarms that a composite depends on: by its rule, and the one that silences it.

    `composite`: parameters of PutCompositeAlarm. Raises `RuleError` if its rule cannot be read.
    """
    names = set(alarms_of(parse_rule(str(composite.get("AlarmRule", "")))))
    return names | ({str(composite["ActionsSuppressor"])} if "ActionsSuppressor" in composite else set())


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = [(match.lastgroup or "", match[match.lastgroup or 0], match.start()) for match in _all(text)]
        self._next = 0
        self._nested = 0

    def any(self) -> Rule:
        rules = [self._all()]
        while self._takes("OR"):
            rules.append(self._all())
        return rules[0] if len(rules) == 1 else Or(tuple(rules))

    def end(self) -> None:
        if self._next < len(self._tokens):
            raise self._expected("AND, OR or the end")

    def _all(self) -> Rule:
        rules = [self._condition()]
        while self._takes("AND"):
            rules.append(self._condition())
        return rules[0] if len(rules) == 1 else And(tuple(rules))

    def _condition(self) -> Rule:
        self._nested += 1
        if self._nested > 50:
            raise RuleError("more than 50 brackets or NOTs inside one another; make it simpler")
        rule = self._simple()
        self._nested -= 1
        return rule

    def _simple(self) -> Rule:
        if self._takes("NOT"):
            return Not(self._condition())
        if self._takes("("):
            rule = self.any()
            self._must(")")
            return rule
        for word in ("TRUE", "FALSE"):
            if self._takes(word):
                return Constant(word == "TRUE")
        for state in STATES:
            if self._takes(state):
                self._must("(")
                kind, alarm, _ = self._tokens[self._next] if self._next < len(self._tokens) else ("", "", 0)
                if kind not in ("quoted", "word"):
                    raise self._expected("the name of an alarm in quotes")
                self._next += 1
                self._must(")")
                return In(state, alarm)
        raise self._expected('ALARM("…"), OK("…"), INSUFFICIENT_DATA("…"), NOT, TRUE, FALSE or (')

    def _takes(self, word: str) -> bool:
        found = self._next < len(self._tokens) and self._tokens[self._next][0] != "quoted"
        found = found and self._tokens[self._next][1] == word
        self._next += found
        return found

    def _must(self, word: str) -> None:
        if not self._takes(word):
            raise self._expected(word)

    def _expected(self, what: str) -> RuleError:
        if self._next < len(self._tokens):
            _, found, at = self._tokens[self._next]
            return RuleError(f"expected {what}, found {found} after `{self._text[:at].strip()[-40:]}`")
        return RuleError(f"expected {what}, but the rule ends")


def _all(text: str) -> Iterator[re.Match[str]]:
    return _TOKEN.finditer(text)
