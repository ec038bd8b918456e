"""The limits in front of a stage's API, as environment variables with which the app tells them to clients."""

from collections.abc import Mapping

from chalicelib.application import ROUTES
from infra.throttling import Method, method_limits

VARIABLES = ("API_KEYS", "RATE_LIMITS")
WINDOW = 60  # seconds; in this time every method may do a whole number of requests


def demands_keys(parameters: Mapping[str, str]) -> bool:
    """Return whether a stage with these parameters demands API keys."""
    return parameters["ApiKeys"] == "required"


def environment(stage: str, parameters: Mapping[str, str]) -> dict[str, str]:
    """Return the values of `VARIABLES`. `parameters`: all parameters of the stage."""
    keys, methods = demands_keys(parameters), method_limits(stage)
    limits = {
        f"{route.path} service": f"{round(methods[Method(route.method, route.path)].rate * WINDOW)}/{WINDOW}"
        for route in ROUTES
        if route.keyed
    }
    if keys:
        limits["* key"] = f"{round(float(parameters['KeyRequestsPerSecond']) * WINDOW)}/{WINDOW}"
        limits["* key-day"] = f"{parameters['KeyRequestsPerDay']}/86400"
    if parameters["Firewall"] == "yes":
        limits["* address"] = f"{parameters['RequestsPerAddress']}/300"
    return {
        "API_KEYS": "true" if keys else "false",
        "RATE_LIMITS": ", ".join(f"{name}={limit}" for name, limit in limits.items()),
    }
