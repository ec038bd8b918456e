"""The AWS side: what is there of a stage, and putting and removing one resource. boto3 alone, no decisions.

Alarms and dashboards that are put carry the tag `faunalens:dashboards` with the stage as value: what an earlier deploy
put is told by it from what a person made under a name of the same form. Saved queries have no tags in AWS; everything
in the folder `faunalens/STAGE/` counts as ours.
"""

import json
from collections.abc import Iterator
from typing import Any

from cloudwatch.deploy.resources import Resource, alarm_content, query_content
from cloudwatch.project import prefix, query_prefix

TAG = "faunalens:dashboards"


class Account:
    """One account and region, through two clients of boto3."""

    def __init__(self, cloudwatch: Any, logs: Any, stage: str) -> None:
        self._cloudwatch, self._logs, self._stage = cloudwatch, logs, stage

    def present(self) -> list[Resource]:
        """Everything whose name is of the stage."""
        return [*self._alarms(), *self._dashboards(), *self._queries()]

    def is_ours(self, resource: Resource) -> bool:
        """Whether an earlier deploy put it."""
        if resource.kind == "query":
            return True
        tags = self._cloudwatch.list_tags_for_resource(ResourceARN=resource.handle)["Tags"]
        return {"Key": TAG, "Value": self._stage} in tags

    def put(self, resource: Resource, before: Resource | None) -> list[str]:
        """Make it so; `before` is what is there. Returns what AWS had to remark."""
        tags = {} if before else {"Tags": [{"Key": TAG, "Value": self._stage}]}  # for an existing one they are ignored
        if resource.kind == "alarm":
            self._cloudwatch.put_metric_alarm(AlarmName=resource.name, **resource.content, **tags)
        elif resource.kind == "composite":
            self._cloudwatch.put_composite_alarm(AlarmName=resource.name, **resource.content, **tags)
        elif resource.kind == "dashboard":
            body = json.dumps(resource.content, ensure_ascii=False, separators=(",", ":"))
            reply = self._cloudwatch.put_dashboard(DashboardName=resource.name, DashboardBody=body, **tags)
            return [f"{each.get('DataPath', '')} {each['Message']}" for each in reply["DashboardValidationMessages"]]
        else:
            known = {"queryDefinitionId": before.handle} if before else {}
            self._logs.put_query_definition(name=resource.name, **resource.content, **known)
        return []

    def remove(self, resource: Resource) -> list[str]:
        """Delete it. One alarm a call: of composites AWS takes no more. Returns what AWS had to remark: nothing."""
        if resource.kind in ("alarm", "composite"):
            self._cloudwatch.delete_alarms(AlarmNames=[resource.name])
        elif resource.kind == "dashboard":
            self._cloudwatch.delete_dashboards(DashboardNames=[resource.name])
        else:
            self._logs.delete_query_definition(queryDefinitionId=resource.handle)
        return []

    def _alarms(self) -> Iterator[Resource]:
        pages = self._cloudwatch.get_paginator("describe_alarms").paginate(
            AlarmNamePrefix=prefix(self._stage), AlarmTypes=["MetricAlarm", "CompositeAlarm"]
        )
        keys = {kind: self._takes(operation) for kind, operation in _OPERATIONS.items()}
        for page in pages:
            for alarm in page.get("MetricAlarms", []):
                content = alarm_content({key: value for key, value in alarm.items() if key in keys["alarm"]})
                yield Resource("alarm", alarm["AlarmName"], content, alarm["AlarmArn"])
            for alarm in page.get("CompositeAlarms", []):
                content = alarm_content({key: value for key, value in alarm.items() if key in keys["composite"]})
                yield Resource("composite", alarm["AlarmName"], content, alarm["AlarmArn"])

    def _dashboards(self) -> Iterator[Resource]:
        pages = self._cloudwatch.get_paginator("list_dashboards").paginate(DashboardNamePrefix=prefix(self._stage))
        for entry in (entry for page in pages for entry in page["DashboardEntries"]):
            body = json.loads(self._cloudwatch.get_dashboard(DashboardName=entry["DashboardName"])["DashboardBody"])
            yield Resource("dashboard", entry["DashboardName"], body, entry["DashboardArn"])

    def _queries(self) -> Iterator[Resource]:
        token: dict[str, str] = {}
        while True:
            page = self._logs.describe_query_definitions(queryDefinitionNamePrefix=query_prefix(self._stage), **token)
            for each in page["queryDefinitions"]:
                content = query_content(each["queryString"], each.get("logGroupNames", []))
                yield Resource("query", each["name"], content, each["queryDefinitionId"])
            if not page.get("nextToken"):
                return
            token = {"nextToken": page["nextToken"]}

    def _takes(self, operation: str) -> set[str]:
        """Parameters of an operation: of what AWS tells of an alarm, that which was put."""
        return set(self._cloudwatch.meta.service_model.operation_model(operation).input_shape.members)


_OPERATIONS = {"alarm": "PutMetricAlarm", "composite": "PutCompositeAlarm"}
