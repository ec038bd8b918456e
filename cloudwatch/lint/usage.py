"""Find the dashboards and alarms that use each of the app's metrics."""

from dataclasses import dataclass, field
from pathlib import Path

from cloudwatch.lint import emitted
from cloudwatch.lint.folder import lint
from cloudwatch.project import DASHBOARDS


@dataclass(slots=True)
class Usage:
    """The dashboards and alarms that use a metric: file names without extension and without duplicates."""

    dashboards: list[str] = field(default_factory=list)
    alarms: list[str] = field(default_factory=list)


def usage(folder: Path = DASHBOARDS) -> dict[str, Usage]:
    """Return the usage of every metric. If lint cannot read all files, every usage is empty."""
    found = {name: Usage() for name in emitted.catalogue()}
    for reference in lint(folder).references:
        if reference.namespace == emitted.NAMESPACE and reference.name in found:
            file, used = Path(reference.file), found[reference.name]
            files = used.alarms if file.parent.name == "alarms" else used.dashboards
            if file.stem not in files:
                files.append(file.stem)
    return found
