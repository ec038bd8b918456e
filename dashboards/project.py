"""The names and paths of this project that the tool depends on.

Paths of type `str` are relative to the parent of `dashboards/`, since lint also checks copies of that folder.
"""

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[1]
DASHBOARDS = ROOT / "dashboards"

SERVICE = "faunalens"
STAGE_VARIABLE = "STAGENAME"
BALANCER, TARGETS = "WEBBALANCER", "WEBTARGETS"
"""Placeholders of the names that AWS gave to the web tier's load balancer and its target group."""

RUNBOOK = "docs/how-to/runbook.md"
INFRA_GUIDE = "docs/reference/infra.md"
TOOLS_GUIDE = "docs/reference/dashboards-tools.md"
STAGES = "infra/stages"
FUNCTIONS = ".chalice/config.json"
METRICS = "chalicelib/telemetry/metrics.py"
TIER = "web"
"""Files of the web tier are called `web`, or begin with `web-`."""

_FUNCTION = f"{SERVICE}-{STAGE_VARIABLE}"
_ALL_FUNCTIONS = (_FUNCTION, f"{_FUNCTION}-warm", f"{_FUNCTION}-batch", f"{_FUNCTION}-admin")

RESOURCES: Mapping[str, tuple[str, ...]] = {
    "service": (SERVICE,),
    "stage": (STAGE_VARIABLE,),
    "ApiName": (SERVICE,),
    "Stage": (STAGE_VARIABLE,),
    "FunctionName": _ALL_FUNCTIONS,
    "LogGroupName": (
        *(f"/aws/lambda/{each}" for each in _ALL_FUNCTIONS),
        *(f"/aws/rds/cluster/{_FUNCTION}/{each}" for each in ("postgresql", "iam-db-auth-error")),
        *(f"/aws/{each}/{_FUNCTION}-{TIER}" for each in ("ecs", "events")),
    ),
    "DBClusterIdentifier": (_FUNCTION,),
    "DBInstanceIdentifier": (f"{_FUNCTION}-1", f"{_FUNCTION}-2"),
    "clusterId": (_FUNCTION,),
    "BucketName": (f"{_FUNCTION}-photos-ACCOUNTID",),
    "TopicName": (f"{_FUNCTION}-alarms",),
    "QueueName": (f"{_FUNCTION}-inbox", f"{_FUNCTION}-inbox-dead"),
    "LoadBalancer": (BALANCER,),
    "TargetGroup": (TARGETS,),
    "ClusterName": (_FUNCTION,),
    "ServiceName": (TIER,),
    "RuleName": (f"{_FUNCTION}-{TIER}-rolled-back",),
}
"""Dimension → its values: those of all the app's metrics, and names of the project's resources on AWS."""


def prefix(stage: str) -> str:
    """Return the prefix that the names of a stage's dashboards and alarms start with."""
    return f"{SERVICE}-{stage}-"


def belongs_to_tier(name: str) -> bool:
    """Return whether the dashboard, alarm or query of a file belongs to the web tier, which not every stage has.

    The stack of the web tier creates and deletes them (infra/template/web.py).
    """
    return name == TIER or name.startswith(f"{TIER}-")


def alarm_of(arn: str, stage: str) -> str:
    """Return the file name of the alarm of a stage with this ARN."""
    return arn.rpartition(":alarm:")[2].removeprefix(prefix(stage))


_REMOTE = re.compile(
    r"(?:(?P<web>https://)(?:[^@/]*@)?|(?:ssh://)?git@)(?P<host>[\w-]+\.[\w.-]+)"
    r"(?(web)/|(?::\d+)?[:/])(?P<path>[\w./-]+?)(?:\.git)?/?"
)


def runbook_url(checkout: Path) -> str:
    """Return the URL of the runbook on the website of git's remote `origin`; the runbook's path if there is none."""
    command = ["git", "-C", str(checkout), "remote", "get-url", "origin"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return RUNBOOK
    return url_from_remote(done.stdout.strip()) if done.returncode == 0 else RUNBOOK


def url_from_remote(remote: str) -> str:
    """Return the URL of the runbook for a remote's URL. Omit user name and token, since alarms contain the result."""
    match = _REMOTE.fullmatch(remote)
    return f"https://{match['host']}/{match['path']}/blob/HEAD/{RUNBOOK}" if match else RUNBOOK
