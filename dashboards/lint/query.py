"""Check the queries of Logs Insights in files and widgets: commands, functions, fields and log groups."""

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from dashboards.lint import suggest
from dashboards.lint.known_metrics import fields
from dashboards.project import RESOURCES

MOST_CHARACTERS = 10_000
"""Length of the longest query that PutQueryDefinition accepts."""
_LANGUAGE = json.loads(Path(__file__).with_name("insights.json").read_text(encoding="utf-8"))
_SOURCE = re.compile(r"SOURCE\s+'([^']*)'\s*(?:\||$)")
_QUOTED = re.compile(r"""\#[^\n]*|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|/(?:[^/\\\n]|\\.)+/""")
"""Matches a comment, a string or a regular expression. In what remains, words are names."""
_NAME = re.compile(r"(?<![\w@.])(@?[A-Za-z_][\w@]*)(?:\.\w+)*`?(\()?")


def problems(text: str, log_groups: Sequence[str] = ()) -> Iterator[str]:
    """Yield the problems of a query.

    `log_groups`: the log groups of a saved query. The query of a widget starts with its log groups: `SOURCE '…'`.
    """
    for group in [*log_groups, *_SOURCE.findall(text)]:
        if group not in RESOURCES["LogGroupName"]:
            yield f'the project has no log group "{group}"; {suggest(group, RESOURCES["LogGroupName"])}'
    if len(text) > MOST_CHARACTERS:
        yield f"the query has {len(text):,} characters, but at most {MOST_CHARACTERS:,} are allowed; shorten it"
    commands = [each for part in _QUOTED.sub(" ", _SOURCE.sub("", text)).split("|") if (each := _NAME.findall(part))]
    if not commands:
        yield "the query has no command; write for instance: fields @timestamp, request_id | sort @timestamp desc"
    known = {*fields(), *_LANGUAGE["fields"]}
    for number, [(word, _), *names] in enumerate(commands, 1):
        if word not in _LANGUAGE["commands"]:
            hint = suggest(word, _LANGUAGE["commands"])
            yield f'command {number} begins with "{word}", which is not a command; {hint}'
            continue
        after_as = [at for at, (name, _) in enumerate(names, 1) if name == "as"]
        # `as` names one field, but in `parse` all that follow
        given = (
            names[after_as[0] :] if after_as and word == "parse" else [names[at] for at in after_as if at < len(names)]
        )
        aliases = {name for name, _ in given}
        for name, bracket in names:
            what, right = ("function", set(_LANGUAGE["functions"])) if bracket else ("field", known | aliases)
            if name not in right and name not in _LANGUAGE["words"]:
                yield f'command {number} ({word}): there is no {what} "{name}" here; {suggest(name, right)}'
        if word == "stats":  # later commands see only the results and groups of stats
            by = [name for name, _ in names].index("by") if ("by", "") in names else len(names)
            known = {name for name, bracket in names[by:] if not bracket}
        known |= aliases
