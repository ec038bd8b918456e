"""Where each of our metrics is seen: on which dashboards, by which alarms."""

from dataclasses import dataclass, field
from pathlib import Path

from chalicelib.telemetry.metrics import METRICS, NAMESPACE
from cloudwatch import files
from cloudwatch.lint.alarm import MetricAlarm
from cloudwatch.lint.dashboard import Dashboard


@dataclass(slots=True)
class Usage:
    """File names without their endings, each once, in the order of the files."""

    dashboards: list[str] = field(default_factory=list)
    alarms: list[str] = field(default_factory=list)


def usage(folder: Path = files.FOLDER) -> dict[str, Usage]:
    """For each metric of the registry who shows it and who watches it. Raises what reading the files raises."""
    found = {name: Usage() for name in METRICS}
    values = files.values_of(files.KEPT, folder)
    for source in files.sources(folder):
        if source.kind not in ("dashboard", "alarm"):
            continue
        body = files.read_object(source, values)
        is_dashboard = source.kind == "dashboard"
        whole = Dashboard(source.file, body) if is_dashboard else MetricAlarm(source.file, source.name, body)
        for name in {each.name for each in whole.references if each.namespace == NAMESPACE}:
            if name in found:
                (found[name].dashboards if is_dashboard else found[name].alarms).append(source.name)
    return found
