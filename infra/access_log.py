"""The access log of a stage's API: what came, without the client's address and the query, which contains coordinates.

API Gateway writes it, so it also has the requests that never reach a function, such as throttled ones. It is off unless
the stage's parameter `AccessLog` is `yes`.
"""

import json
from typing import Any

from infra.step import PreconditionFailed

FIELDS = {
    "request": "$context.requestId",
    "id_at_aws": "$context.extendedRequestId",
    "time": "$context.requestTimeEpoch",
    "method": "$context.httpMethod",
    "route": "$context.resourcePath",  # such as /uploads/{id}/identify, without the values
    "status": "$context.status",
    "refused_as": "$context.error.responseType",
    "refused_by_firewall": "$context.wafResponseCode",
    "key": "$context.identity.apiKeyId",
    "latency_ms": "$context.responseLatency",
    "function_ms": "$context.integration.latency",
    "function_status": "$context.integration.status",
    "bytes": "$context.responseLength",
}
"""Fields of a line, and their variables. None of them is free text of the client, which could forge lines:
https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-variables-for-access-logging.html"""

FORMAT = json.dumps(FIELDS, separators=(",", ":"), allow_nan=False)


def apply(gateway: Any, api_id: str, stage: str, log_group: str) -> bool:
    """Make the API's stage write to this log group, or to none if it is empty. Return True if that was a change.

    `gateway`: a boto3 client of `apigateway`. `log_group`: an ARN. Raise `PreconditionFailed` if the account has no
    role for API Gateway's logs.
    """
    wanted = {"destinationArn": log_group, "format": FORMAT} if log_group else {}
    if gateway.get_stage(restApiId=api_id, stageName=stage).get("accessLogSettings", {}) == wanted:
        return False
    if wanted and not gateway.get_account().get("cloudwatchRoleArn"):
        raise PreconditionFailed(
            "the account has no role for API Gateway's logs in this region; create it once, as "
            "docs/reference/infra.md#access-log says, or set AccessLog=no"
        )
    changes = [{"op": "replace", "path": f"/accessLogSettings/{name}", "value": each} for name, each in wanted.items()]
    removal = [{"op": "remove", "path": "/accessLogSettings"}]
    gateway.update_stage(restApiId=api_id, stageName=stage, patchOperations=changes or removal)
    return True
