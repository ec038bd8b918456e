"""Operations of CloudWatch that moto lacks, for accounts of testing/aws.py: composites, saved queries, dashboard tags.

Moto stores composite alarms but has no operation that creates them. So moto's PutMetricAlarm creates them; it reads
`AlarmRule`. This module also raises three errors of AWS: for a rule that names an unknown alarm, for the deletion of
an alarm that a composite alarm uses, and for the deletion of two composite alarms at once. A deployment avoids these
errors by the order of its steps.
"""

import json
import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from threading import Event
from typing import Any
from unittest.mock import patch
from uuid import uuid4

from moto.cloudwatch.exceptions import ValidationError
from moto.cloudwatch.responses import CloudWatchResponse
from moto.core.responses import ActionResult
from moto.logs.responses import LogsResponse

from cloudwatch.syntax.rule import alarms_in, parse_rule


class SavedQueries:
    """The saved queries of an account, and the operations of CloudWatch Logs on them."""

    def __init__(self) -> None:
        self.definitions: dict[str, dict[str, Any]] = {}

    def put(self, response: LogsResponse) -> str:
        """Store a saved query, as PutQueryDefinition does; return the response."""
        known = response._get_param("queryDefinitionId") or str(uuid4())
        definition = {key: response._get_param(key) for key in ("name", "queryString", "logGroupNames")}
        self.definitions[known] = definition | {"queryDefinitionId": known, "queryLanguage": "CWLI", "lastModified": 1}
        return json.dumps({"queryDefinitionId": known})

    def describe(self, response: LogsResponse) -> str:
        """Return a page of saved queries, as DescribeQueryDefinitions does. Pages are small, to test pagination."""
        start = response._get_param("queryDefinitionNamePrefix") or ""
        found = [each for each in self.definitions.values() if each["name"].startswith(start)]
        at, size = int(response._get_param("nextToken") or 0), 4
        more = {"nextToken": str(at + size)} if len(found) > at + size else {}
        return json.dumps({"queryDefinitions": found[at : at + size], **more})

    def delete(self, response: LogsResponse) -> str:
        """Delete a saved query, as DeleteQueryDefinition does; return the response."""
        del self.definitions[response._get_param("queryDefinitionId")]
        return json.dumps({"success": True})


@contextmanager
def extended_cloudwatch() -> Iterator[SavedQueries]:
    """Add the operations of this module to moto until the end of the block; yield the saved queries."""
    queries = SavedQueries()
    put_dashboard, delete_alarms = CloudWatchResponse.put_dashboard, CloudWatchResponse.delete_alarms

    def put_tagged_dashboard(response: CloudWatchResponse) -> ActionResult:
        name, backend = response._get_param("DashboardName"), response.cloudwatch_backend
        is_new = backend.get_dashboard(name) is None
        result = put_dashboard(response)
        if is_new and (tags := response._get_param("Tags", [])):
            backend.tagger.tag_resource(backend.dashboards[name].arn, tags)
        return result

    def delete_unless_used(response: CloudWatchResponse) -> ActionResult:
        _check_deletion(response)
        return delete_alarms(response)

    with ExitStack() as patches:
        for owner, name, operation in (
            (CloudWatchResponse, "put_composite_alarm", _put_composite),
            (CloudWatchResponse, "delete_alarms", delete_unless_used),
            (CloudWatchResponse, "put_dashboard", put_tagged_dashboard),
            (LogsResponse, "put_query_definition", lambda response: queries.put(response)),
            (LogsResponse, "describe_query_definitions", lambda response: queries.describe(response)),
            (LogsResponse, "delete_query_definition", lambda response: queries.delete(response)),
        ):
            patches.enter_context(patch.object(owner, name, operation, create=True))
        yield queries


def _put_composite(response: CloudWatchResponse) -> ActionResult:
    known = {alarm.name for alarm in response.cloudwatch_backend.describe_alarms()}
    if missing := set(alarms_in(parse_rule(response._get_param("AlarmRule")))) - known:
        raise ValidationError(f"Could not save the composite alarm as alarms {sorted(missing)} do not exist")
    return response.put_metric_alarm()


def _check_deletion(response: CloudWatchResponse) -> None:
    names = set(response._get_param("AlarmNames", []))
    alarms = response.cloudwatch_backend.describe_alarms()
    rules = {alarm.name: set(alarms_in(parse_rule(alarm.rule))) for alarm in alarms if alarm.rule}
    if len(rules.keys() & names) > 1:
        raise ValidationError("only one composite alarm can be deleted at a time")
    for name, used in rules.items():
        if name not in names and used & names:
            raise ValidationError(f"{sorted(names)} cannot be deleted because {name} depends on it")


def main() -> None:
    """Serve an account and print the environment variables that make a shell use it."""
    from testing.aws import account

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    with suppress(KeyboardInterrupt), extended_cloudwatch(), account() as one:
        for name, value in one.environment.items():
            print(f"export {name}={value}", flush=True)
        Event().wait()


if __name__ == "__main__":
    main()
