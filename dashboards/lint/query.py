"""Check the queries of Logs Insights in files and widgets: commands, functions, fields and log groups."""

import json
import re
from collections.abc import Collection, Iterator, Sequence
from itertools import groupby
from pathlib import Path

from dashboards.lint import suggest
from dashboards.lint.known_metrics import fields
from dashboards.project import RESOURCES

MOST_CHARACTERS = 10_000
"""Length of the longest query that PutQueryDefinition accepts."""

_LANGUAGE = json.loads(Path(__file__).with_name("insights.json").read_text(encoding="utf-8"))
_KINDS = ("commands", "functions", "words", "fields")
COMMANDS, FUNCTIONS, WORDS, OF_CLOUDWATCH = (frozenset(_LANGUAGE[kind]) for kind in _KINDS)

_SOURCE = re.compile(r"'([^']*)'")
_TOKEN = re.compile(
    r"""(?P<comment>\#[^\n]*)
      | (?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|/(?:[^/\\\n]|\\.)+/)
      | (?P<quoted>`[^`]+`)
      | (?P<number>\d[\w.]*)
      | (?P<name>@?[A-Za-z_][\w@]*(?:\.\w+)*)
      | (?P<sign>[^\s\w])""",
    re.VERBOSE,
)
type Token = tuple[str, str]


def problems(text: str, log_groups: Sequence[str] = ()) -> Iterator[str]:
    """Yield the problems of a query.

    `log_groups`: the log groups of a saved query. The query of a widget starts with its log groups: `SOURCE '…'`.
    """
    tokens = [(kind, match[kind]) for match in _TOKEN.finditer(text) if (kind := match.lastgroup or "") != "comment"]
    commands = [list(each) for is_end, each in groupby(tokens, ("sign", "|").__eq__) if not is_end]
    groups = list(log_groups)
    while commands and commands[0][0][1] == "SOURCE":
        groups += _SOURCE.findall("".join(token for _, token in commands.pop(0)))
    for group in groups:
        if group not in RESOURCES["LogGroupName"]:
            yield f'the project has no log group "{group}"; {suggest(group, RESOURCES["LogGroupName"])}'
    if len(text) > MOST_CHARACTERS:
        yield f"the query has {len(text):,} characters, but at most {MOST_CHARACTERS:,} are allowed; shorten it"
    if not commands:
        yield "the query has no command; write for instance: fields @timestamp, request_id | sort @timestamp desc"
    known = fields() | OF_CLOUDWATCH
    for number, command in enumerate(commands, 1):
        yield from (f"command {number} {problem}" for problem in _problems(command, known))
        if command[0][1] == "stats":  # later commands see only the results and groups of stats
            known = {name for name, kind in _names(_after_by(command)) if kind == "field"}
        known = known | set(_aliases(command))


def _problems(command: Sequence[Token], known: Collection[str]) -> Iterator[str]:
    word, aliases = command[0][1], set(_aliases(command))
    if word not in COMMANDS:
        yield f'begins with "{word}", which is not a command; {suggest(word, COMMANDS)}'
        return
    for name, kind in _names(command):
        if kind == "function" and name not in FUNCTIONS:
            yield f'({word}): there is no function "{name}"; {suggest(name, FUNCTIONS)}'
        elif kind == "field" and name not in known and name not in aliases:
            yield f'({word}): there is no field "{name}" here; {suggest(name, known)}'


def _names(command: Sequence[Token]) -> Iterator[tuple[str, str]]:
    """Yield each name after the first word of a command, and whether it is that of a `function` or of a `field`."""
    for place, (kind, name) in enumerate(command[1:], 1):
        if kind in ("name", "quoted") and name not in WORDS:
            is_call = kind == "name" and command[place + 1 : place + 2] == [("sign", "(")]
            # `faults` is the field of `faults.0`
            yield (name, "function") if is_call else (name.strip("`").partition(".")[0], "field")


def _aliases(command: Sequence[Token]) -> Iterator[str]:
    """Yield the names that a command assigns: one name after each `as`, but in `parse` all names after `as`."""
    words = [token for _, token in command]
    for place, (kind, name) in enumerate(command):
        given = words[place - 1] == "as" or (words[0] == "parse" and "as" in words[:place])
        if given and kind in ("name", "quoted"):
            yield name.strip("`")


def _after_by(command: Sequence[Token]) -> Sequence[Token]:
    words = [token for _, token in command]
    return command[words.index("by") :] if "by" in words else ()
