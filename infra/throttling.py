"""How many requests a stage of the API takes from everybody together: throttling by API Gateway, before Lambda.

A usage plan would not do: it binds only callers with an API key, and the API has none. Throttling of all methods is a
setting of the stage, and Chalice, which makes the stage, does not set it; it stays over later deployments.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FILE = Path(__file__).parent / "stages" / "limits.json"


@dataclass(frozen=True, slots=True)
class Limits:
    """`rate`: requests a second that are taken for long. `burst`: requests at once."""

    rate: int
    burst: int


def limits_of(stage: str) -> Limits:
    """What stages/limits.json says. Raises `KeyError` that names the stages it knows."""
    stages = json.loads(FILE.read_text(encoding="utf-8"))
    if stage not in stages:
        raise KeyError(f"infra/stages/limits.json has no stage {stage}, only {', '.join(stages)}; add it there")
    return Limits(**stages[stage])


def throttle(gateway: Any, api_id: str, stage: str, limits: Limits) -> None:
    """Set the limits on all methods of a stage. `gateway`: a boto3 client of `apigateway`. Can be repeated."""
    wanted = {"rateLimit": limits.rate, "burstLimit": limits.burst}
    gateway.update_stage(
        restApiId=api_id,
        stageName=stage,
        patchOperations=[
            {"op": "replace", "path": f"/*/*/throttling/{name}", "value": str(value)} for name, value in wanted.items()
        ],
    )
