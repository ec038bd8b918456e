"""Read and write the resources of one stage in AWS. `plan.py` decides what to write.

Alarms and dashboards get the tag `faunalens:dashboards` with the stage as value. The tag distinguishes the
resources of a deploy from resources that a person created under a similar name. Saved queries cannot have tags in AWS,
so deploy treats all queries in the folder `faunalens/STAGE/` as its own.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from cloudwatch.deploy.resources import Resource, alarm_content, query_content
from cloudwatch.files import Kind
from cloudwatch.project import SERVICE, belongs_to_tier, prefix, query_prefix

TAG = f"{SERVICE}:dashboards"
_ALARMS: Mapping[Kind, tuple[str, str]] = {
    "alarm": ("MetricAlarms", "PutMetricAlarm"),
    "composite": ("CompositeAlarms", "PutCompositeAlarm"),
}
"""Kind → key in the reply of DescribeAlarms, and the operation that puts it."""


class Deployment:
    """The dashboards, alarms and saved queries of one stage, in one AWS account and region."""

    def __init__(self, cloudwatch: Any, logs: Any, stage: str) -> None:
        self._cloudwatch, self._logs, self._stage = cloudwatch, logs, stage

    def present(self) -> list[Resource]:
        """Return the resources in AWS whose names start with the prefix of the stage, but for those of the web tier."""
        found = [*self._alarms(), *self._dashboards(), *self._queries()]
        begins = {"query": query_prefix(self._stage)}
        return [
            each
            for each in found
            if not belongs_to_tier(each.name.removeprefix(begins.get(each.kind, prefix(self._stage))))
        ]

    def is_managed(self, resource: Resource) -> bool:
        """Return whether an earlier deploy created the resource."""
        if resource.kind == "query":
            return True
        tags = self._cloudwatch.list_tags_for_resource(ResourceARN=resource.handle)["Tags"]
        return {"Key": TAG, "Value": self._stage} in tags

    def put(self, resource: Resource, before: Resource | None) -> list[str]:
        """Create a resource, or update `before`, the resource in AWS. Return CloudWatch's validation messages."""
        if resource.kind == "query":
            known = {"queryDefinitionId": before.handle} if before else {}
            self._logs.put_query_definition(**resource.parameters(), **known)
            return []
        put = {
            "alarm": self._cloudwatch.put_metric_alarm,
            "composite": self._cloudwatch.put_composite_alarm,
            "dashboard": self._cloudwatch.put_dashboard,
        }[resource.kind]
        tags = {} if before else {"Tags": [{"Key": TAG, "Value": self._stage}]}  # ignored in updates
        remarks = put(**resource.parameters(), **tags).get("DashboardValidationMessages", [])
        return [f"{each.get('DataPath', '')} {each['Message']}" for each in remarks]

    def remove(self, resource: Resource) -> None:
        """Delete a resource. One call deletes one alarm, since AWS allows at most one composite per call."""
        if resource.kind in ("alarm", "composite"):
            self._cloudwatch.delete_alarms(AlarmNames=[resource.name])
        elif resource.kind == "dashboard":
            self._cloudwatch.delete_dashboards(DashboardNames=[resource.name])
        else:
            self._logs.delete_query_definition(queryDefinitionId=resource.handle)

    def _alarms(self) -> Iterator[Resource]:
        pages = self._cloudwatch.get_paginator("describe_alarms").paginate(
            AlarmNamePrefix=prefix(self._stage), AlarmTypes=["MetricAlarm", "CompositeAlarm"]
        )
        model = self._cloudwatch.meta.service_model
        for page in pages:
            for kind, (key, operation) in _ALARMS.items():
                parameters = model.operation_model(operation).input_shape.members
                for alarm in page.get(key, []):
                    # The reply also has the state and more; keep what was put.
                    content = {name: value for name, value in alarm.items() if name in parameters}
                    yield Resource(kind, alarm["AlarmName"], alarm_content(content), alarm["AlarmArn"])

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
