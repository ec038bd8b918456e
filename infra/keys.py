"""API keys of a stage's clients: `python -m infra keys add|list|revoke`.

API Gateway keeps the keys. A key belongs to the usage plan that infra/edge.yaml creates if `ApiKeys=required`, and is
called `faunalens-STAGE-NAME`. The web page has its own key, which is not a client's.
"""

import re
from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

from infra.stage import Stage
from infra.step import PreconditionFailed

DAYS = 30
"""Days whose requests `uses` counts, today included. API Gateway knows the last 90."""
PAGE = "page"

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


class Use(NamedTuple):
    """How often a key was used. `added`: its first day. `today` (UTC), `recently` (`DAYS` days): number of requests."""

    name: str
    added: date
    today: int
    recently: int


class Keys:
    """The keys of one stage. Each method raises `PreconditionFailed` if it cannot do its work."""

    def __init__(self, stage: Stage) -> None:
        self._stage, self._gateway = stage, stage.client("apigateway")

    def add(self, name: str) -> str:
        """Create the key of a client. Return the key's value, which no command shows again."""
        if not _NAME.fullmatch(name) or name == PAGE:
            advice = f"use lower-case letters, digits and hyphens, and not `{PAGE}`, which is the web page's own"
            raise PreconditionFailed(f"{name} is not a name for a key; {advice}")
        plan = self._plan()
        if name in self._found():
            raise PreconditionFailed(f"stage {self._stage.name} has a key {name} already; revoke it, or add another")
        key = self._gateway.create_api_key(name=self._full(name), enabled=True, tags=self._stage.tags)
        try:
            self._gateway.create_usage_plan_key(usagePlanId=plan, keyId=key["id"], keyType="API_KEY")
        except BaseException:  # a key without a plan opens nothing, and its value would be lost
            self._gateway.delete_api_key(apiKey=key["id"])
            raise
        return str(key["value"])

    def uses(self) -> list[Use]:
        """Return how many requests each of the stage's keys made today and in the last `DAYS` days, sorted by name."""
        usage = self._usage(self._plan(), datetime.now(UTC).date())
        return [
            Use(name, key["createdDate"].astimezone(UTC).date(), sum(usage[key["id"]][-1:]), sum(usage[key["id"]]))
            for name, key in sorted(self._found().items())
        ]

    def revoke(self, name: str) -> None:
        """Delete the key of a client. API Gateway refuses it within seconds."""
        keys = self._found()
        if name not in keys:
            known = ", ".join(sorted(keys)) or "none"
            raise PreconditionFailed(f"stage {self._stage.name} has no key {name}; its keys are: {known}")
        self._gateway.delete_api_key(apiKey=keys[name]["id"])

    def attach(self) -> list[str]:
        """Add to the usage plan the keys that were created while `ApiKeys` was off. Return their names."""
        plan, keys = self._plan(), self._found()
        pages = self._gateway.get_paginator("get_usage_plan_keys").paginate(usagePlanId=plan)
        attached = {each["id"] for page in pages for each in page["items"]}
        missing = {name: each["id"] for name, each in sorted(keys.items()) if each["id"] not in attached}
        for key in missing.values():
            self._gateway.create_usage_plan_key(usagePlanId=plan, keyId=key, keyType="API_KEY")
        return list(missing)

    def revoke_all(self) -> int:
        """Delete the keys of all clients, since deleting the usage plan does not. Return their number."""
        keys = self._found()
        for each in keys.values():
            self._gateway.delete_api_key(apiKey=each["id"])
        return len(keys)

    def _plan(self) -> str:
        if plan := self._stage.outputs.get("KeyPlanId"):
            return plan
        stage = self._stage.name
        advice = f'write "ApiKeys": "required" into infra/stages/{stage}.json and deploy it again'
        raise PreconditionFailed(f"stage {stage} demands no keys; {advice}")

    def _found(self) -> dict[str, Any]:
        """Return what API Gateway says of each client's key, by the client's name."""
        prefix, page_key = self._full(""), self._full(PAGE)
        pages = self._gateway.get_paginator("get_api_keys").paginate(includeValues=False)
        ours = [each for page in pages for each in page["items"] if each["name"].startswith(prefix)]
        return {each["name"].removeprefix(prefix): each for each in ours if each["name"] != page_key}

    def _usage(self, plan: str, today: date) -> Mapping[str, list[int]]:
        """Return the number of requests on each of the last `DAYS` days, by key id."""
        dates = {"startDate": (today - timedelta(days=DAYS - 1)).isoformat(), "endDate": today.isoformat()}
        pages = self._gateway.get_paginator("get_usage").paginate(usagePlanId=plan, **dates)
        usage = defaultdict[str, list[int]](list)
        for page in pages:
            for key, days in page.get("items", {}).items():
                usage[key] += [used for used, _left in days]
        return usage

    def _full(self, name: str) -> str:
        return f"faunalens-{self._stage.name}-{name}"
