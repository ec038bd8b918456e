"""Throttle a stage's API for all clients together: API Gateway rejects requests above the limits.

Chalice has no setting for these limits, and its deployments do not change them. A usage plan would limit only clients
with API keys.
"""

import json
from dataclasses import dataclass
from typing import Any

from chalicelib.config.settings import ROOT
from infra.step import PreconditionFailed

FILE = ROOT / "infra" / "stages" / "limits.json"


@dataclass(frozen=True, slots=True)
class ThrottleLimits:
    """The limits of a stage. `rate`: sustained requests per second. `burst`: requests at the same time."""

    rate: int
    burst: int


def throttle_limits(stage: str) -> ThrottleLimits:
    """Return the limits in stages/limits.json. Raise `PreconditionFailed` if the file lacks the stage."""
    stages = json.loads(FILE.read_text(encoding="utf-8"))
    if stage not in stages:
        raise PreconditionFailed(
            f"infra/stages/limits.json has no stage {stage}, only {', '.join(stages)}; add its limits"
        )
    return ThrottleLimits(**stages[stage])


def throttle(gateway: Any, api_id: str, stage: str, limits: ThrottleLimits) -> None:
    """Set the limits for all methods of a stage's API. `gateway`: a boto3 client of `apigateway`."""
    wanted = {"rateLimit": limits.rate, "burstLimit": limits.burst}
    gateway.update_stage(
        restApiId=api_id,
        stageName=stage,
        patchOperations=[
            {"op": "replace", "path": f"/*/*/throttling/{name}", "value": str(value)} for name, value in wanted.items()
        ],
    )
