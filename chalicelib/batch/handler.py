"""The batch function: it identifies the photos that SQS messages or a Distributed Map's batches name."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from time import perf_counter
from typing import Any

from chalicelib.batch.line import Item, read_map_batch, read_messages
from chalicelib.batch.run import AHEAD, Batch, Tally
from chalicelib.config.settings import Settings
from chalicelib.deadline import Deadline
from chalicelib.errors import Unfinished
from chalicelib.identify import prepare
from chalicelib.lazy import Lazy
from chalicelib.services import Services, patient_features
from chalicelib.stores.objects import Objects
from chalicelib.telemetry.record import Notes, of_batch

RESULTS = "results/"
"""Prefix of the result lines of new photos (SQS) in the photo bucket; IAM policies refer to it."""
FRESH = 3600.0
"""Seconds for which a process uses the features of a cell without asking the cache, unless the dataset changes."""


class BatchFunction:
    """The batch function. Unlike a request, it waits for a paused database.

    `emit`: called with the metrics of each run. `services`, `objects`: built from `settings` by default.
    """

    def __init__(
        self,
        settings: Settings,
        log: logging.Logger,
        emit: Callable[[Notes], None],
        services: Services | None = None,
        objects: Objects | None = None,
    ) -> None:
        self._settings, self._log, self._emit = settings, log, emit
        self._objects = objects or Objects(settings.deployment.region, settings.s3, connections=AHEAD + 1)
        self._services = Lazy(lambda: services or build_services(settings))

    def answer(self, event: Mapping[str, Any], request_id: str, deadline: Deadline) -> dict[str, Any]:
        """Identify the photos of an event, and return the reply to its sender.

        `deadline`: when Lambda ends the function. For a Distributed Map, raises `EventInvalid` or `Unfinished`. Raises
        `ModelError` if the model cannot be loaded.
        """
        if "Items" in event:  # a Distributed Map's
            batch = read_map_batch(event)
            tally = self._run(batch.items, batch.bucket, batch.prefix, request_id, deadline)
            counts = {"done": tally.identified, "failed": len(tally.failed), "lines": tally.lines}
            if tally.failed:
                raise Unfinished(f"{counts['failed']} of {len(batch.items)} photos have no line yet; try again")
            return counts
        items, broken = read_messages(event)
        for message, reason in broken.items():
            self._log.error("SQS message is not an S3 notification", extra={"request_id": message, "details": [reason]})
        tally = self._run(items, self._settings.s3.bucket, RESULTS, request_id, deadline)
        failed = dict.fromkeys([*broken, *(item.message for item in tally.failed)])
        return {"batchItemFailures": [{"itemIdentifier": message} for message in failed]}

    def _run(self, items: list[Item], bucket: str, prefix: str, request_id: str, deadline: Deadline) -> Tally:
        if not items:
            return Tally()
        started, services, s3 = perf_counter(), self._services.get(), self._settings.s3
        tally = Batch(services, self._objects, bucket, prefix, self._log, request_id, s3).run(items, deadline)
        seconds = perf_counter() - started
        counts = {name: getattr(tally, name) for name in ("identified", "unreadable", "skipped", "queries")}
        self._emit(of_batch(request_id, seconds, failed=len(tally.failed), **counts))
        return tally


def build_services(settings: Settings) -> Services:
    """Return the services of the batch function; a background thread then prepares for the first photo."""
    policy = replace(settings.features, fresh=FRESH, total=settings.database.sign_in)
    settings = replace(settings, features=policy, model=settings.model.for_batches())
    services = Services.build(settings, patient_features(settings))
    prepare(services)
    return services
