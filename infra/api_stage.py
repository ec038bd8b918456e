"""The API's stage in API Gateway: its throttling, the app's environment variables about that, and the access log.

API Gateway has no limit for a whole stage: a limit of `*/*` applies to each method separately. So stages/limits.json
has the limit of the whole stage, and methods' shares of it in percent: `other` is that of each method not listed, and
`POST /identify` has what is left of 100. The page's files have limits of their own, by visitors a second: they cost
little, and no identification should wait for them.

With `AccessLog=yes`, API Gateway logs each request (functions.yaml), also one that never reaches a function, without
the client's address and the query, which contains coordinates.
"""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from chalicelib.config.settings import ROOT
from chalicelib.routes import ROUTES
from infra.functions import containers_of_api
from infra.step import PreconditionFailed

LIMITS_FILE = ROOT / "infra" / "stages" / "limits.json"


class Method(NamedTuple):
    """One method of one path of the API, such as `POST /identify`."""

    name: str
    path: str


IDENTIFY = Method("POST", "/identify")


class ThrottleLimits(NamedTuple):
    """Limits of a stage or of one method. `rate`: sustained requests per second. `burst`: requests at the same time."""

    rate: float
    burst: int


TIER_SHARE = 0.4
"""Share of the API function's reserved concurrency that the web tier may use; bursts of the API fit into the rest."""
UNKNOWN_METHOD = ThrottleLimits(1, 1)
"""Limits of a method without a share, which only somebody could have added by hand on AWS; a test checks that."""


def api_methods() -> list[Method]:
    """Return every method that API Gateway serves: those of the routes, and `OPTIONS` of each path."""
    served = [Method(name, route.path) for route in ROUTES for name in route.methods]
    return [*served, *(Method("OPTIONS", path) for path in dict.fromkeys(route.path for route in ROUTES))]


def throttle_limits(stage: str) -> ThrottleLimits:
    """Return the sum of the limits of all methods of a stage. Raise the same errors as `method_limits`."""
    limits = method_limits(stage).values()
    return ThrottleLimits(round(sum(each.rate for each in limits), 4), sum(each.burst for each in limits))


def method_limits(stage: str) -> dict[Method, ThrottleLimits]:
    """Return the limits of each method. Raise `PreconditionFailed` if stages/limits.json lacks the stage."""
    document: dict[str, Any] = json.loads(LIMITS_FILE.read_text(encoding="utf-8"))
    if stage not in (known := document["stages"]):
        only = ", ".join(known)
        raise PreconditionFailed(f"infra/stages/limits.json has no stage {stage}, only {only}; add its limits")
    visitors, listed = document["visitors"][stage], document["shares"]
    total = ThrottleLimits(**document["stages"][stage])
    counts = {Method(*name.split()): count for name, count in document["files"].items()}
    files = {method: ThrottleLimits(visitors * count, 2 * visitors * count) for method, count in counts.items()}
    methods = [each for each in api_methods() if each not in files]
    shares = {each: listed.get(f"{each.name} {each.path}", document["other"]) for each in methods if each != IDENTIFY}
    shares = {IDENTIFY: 100 - sum(shares.values()), **shares}
    limits = {
        each: ThrottleLimits(round(total.rate * share / 100, 4), int(total.burst * share / 100))
        for each, share in shares.items()
    }
    photos = {each: limits[each] for each in limits if each.name == "POST" and each.path.endswith("/identify")}
    room, bursts = int(containers_of_api(stage) * (1 - TIER_SHARE)), sum(each.burst for each in photos.values())
    for each, limit in photos.items():  # Lambda would throttle photos beyond that, after their upload
        limits[each] = ThrottleLimits(limit.rate, max(1, limit.burst * min(room, bursts) // bursts))
    return {**limits, **files}


def method_settings(stage: str) -> list[dict[str, Any]]:
    """Return the limits as CloudFormation's `MethodSettings`, in which the path `/uploads` is written `/~1uploads`."""
    limits = {("*", "/*"): UNKNOWN_METHOD}
    for (name, path), each in method_limits(stage).items():
        limits[name, "/" + path.replace("/", "~1") if path != "/" else "/"] = each
    return [
        {"HttpMethod": name, "ResourcePath": path, "ThrottlingRateLimit": each.rate, "ThrottlingBurstLimit": each.burst}
        for (name, path), each in limits.items()
    ]


WINDOW = 60  # seconds for which a limit is stated: in these, each rate makes a whole number of requests


def limit_variables(stage: str, parameters: Mapping[str, str]) -> dict[str, str]:
    """Return environment variables that give the app the API's limits. `parameters`: all parameters of the stage."""
    keys, methods = parameters["ApiKeys"] == "required", method_limits(stage)
    rates = {route.path: methods[Method(route.method, route.path)].rate for route in ROUTES if route.keyed}
    limits = {f"{path} service": f"{round(rate * WINDOW)}/{WINDOW}" for path, rate in rates.items()}
    if keys:
        limits["* key"] = f"{round(float(parameters['KeyRequestsPerSecond']) * WINDOW)}/{WINDOW}"
        limits["* key-day"] = f"{parameters['KeyRequestsPerDay']}/86400"
    if parameters["Firewall"] == "yes":
        limits["* address"] = f"{parameters['RequestsPerAddress']}/300"
    return {
        "API_KEYS": "true" if keys else "false",
        "RATE_LIMITS": ", ".join(f"{name}={limit}" for name, limit in limits.items()),
    }
