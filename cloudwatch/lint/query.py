"""Check the queries of Logs Insights in files and widgets: commands, functions, fields and log groups."""

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from cloudwatch.lint import suggest
from cloudwatch.lint.known_metrics import fields
from cloudwatch.project import RESOURCES

MOST_CHARACTERS = 10_000
"""The limit of PutQueryDefinition."""

_LANGUAGE = json.loads(Path(__file__).with_name("insights.json").read_text(encoding="utf-8"))
COMMANDS, FUNCTIONS, WORDS, OF_CLOUDWATCH = (
    frozenset(_LANGUAGE[kind]) for kind in ("commands", "functions", "words", "fields")
)

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
    commands = list(_commands(tokens))
    groups = list(log_groups)
    while commands and commands[0] and commands[0][0][1] == "SOURCE":
        groups += _SOURCE.findall("".join(token for _, token in commands.pop(0)))
    for group in groups:
        if group not in RESOURCES["LogGroupName"]:
            yield f'nothing of ours writes to the log group "{group}"; {suggest(group, RESOURCES["LogGroupName"])}'
    if len(text) > MOST_CHARACTERS:
        yield f"the query has {len(text):,} characters, but at most {MOST_CHARACTERS:,} are allowed; shorten it"
    if not commands:
        yield "the query has no command; write for instance: fields @timestamp, request_id | sort @timestamp desc"
    known = fields() | OF_CLOUDWATCH
    for number, command in enumerate(commands, 1):
        if not command or command[0][1] not in COMMANDS:
            word = command[0][1] if command else ""
            yield f'command {number} begins with "{word}", which is not a command; {suggest(word, COMMANDS)}'
            continue
        yield from (f"command {number} ({command[0][1]}): {problem}" for problem in _wrong_names(command, known))
        known = _known_after(command, known)


def _commands(tokens: Sequence[Token]) -> Iterator[list[Token]]:
    """Split the tokens into commands at each `|`."""
    command: list[Token] = []
    for token in tokens:
        if token == ("sign", "|"):
            yield command
            command = []
        else:
            command.append(token)
    if command:
        yield command


def _wrong_names(command: Sequence[Token], known: set[str]) -> Iterator[str]:
    aliases, tokens = set(_aliases(command)), command[1:]
    for place, (kind, name) in enumerate(tokens):
        if kind not in ("name", "quoted") or name in WORDS:
            continue
        if kind == "name" and tokens[place + 1 : place + 2] == [("sign", "(")]:
            if name not in FUNCTIONS:
                yield f'there is no function "{name}"; {suggest(name, FUNCTIONS)}'
        elif (field := _field(name)) not in known and field not in aliases:
            yield f'there is no field "{field}" here; {suggest(field, known)}'


def _field(name: str) -> str:
    """Return the field that a name refers to: `faults` for `faults.0`."""
    return name.strip("`").partition(".")[0]


def _aliases(command: Sequence[Token]) -> Iterator[str]:
    """Yield the names that a command assigns: one name after each `as`, but in `parse` all names after `as`."""
    words = [token for _, token in command]
    for place, (kind, name) in enumerate(command):
        given = words[place - 1] == "as" or (words[0] == "parse" and "as" in words[:place])
        if given and kind in ("name", "quoted"):
            yield name.strip("`")


def _known_after(command: Sequence[Token], known: set[str]) -> set[str]:
    """Return the fields that the next command may name. After `stats`, these are its results and its `by` fields."""
    aliases, tokens = set(_aliases(command)), command[1:]
    if command[0][1] != "stats":
        return known | aliases
    words = [token for _, token in tokens]
    grouped = tokens[words.index("by") + 1 :] if "by" in words else []
    functions = {token for place, (_, token) in enumerate(grouped) if grouped[place + 1 : place + 2] == [("sign", "(")]}
    return aliases | {_field(token) for kind, token in grouped if kind in ("name", "quoted")} - functions - WORDS
