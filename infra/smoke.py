"""Test a stage from outside: health, animals, the same photo several times, its metrics, and who gets its alarms."""

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, NamedTuple
from urllib.parse import urljoin, urlsplit

import urllib3

from chalicelib.api.http import KEY_HEADER
from chalicelib.api.page import page_key
from chalicelib.features.warming import read_places
from chalicelib.location import center_of
from chalicelib.telemetry.metrics import NAMESPACE
from dashboards.project import SERVICE
from infra import invoke
from infra.stage import Stage
from infra.step import Echo, PreconditionFailed, Step, poll
from infra.template import INFRA

TIMEOUT = 30.0  # seconds for one request; API Gateway gives up after 29


class Answer(NamedTuple):
    """The response to a request. `headers`: by name, in upper or lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def __str__(self) -> str:
        """Return the status and the beginning of the body as text for a message."""
        return f"status {self.status}: {self.body.decode(errors='replace')[:200]}"


class Upload(NamedTuple):
    """A photo uploaded to the bucket. `key`: its key there. `identify_url`: URL to POST to for its identification."""

    key: str
    identify_url: str


def fetch(url: str, data: bytes | None = None, content_type: str = "", key: str = "", **more: Any) -> Answer:
    """Send a GET, or a POST with `data` or the `fields` of a form. `key`: the API key, or empty.

    Raise `PreconditionFailed` if nothing responds.
    """
    method = "GET" if data is None and "fields" not in more else "POST"
    given = {"Content-Type": content_type, KEY_HEADER: key}
    headers = {"Accept": "application/json", **{name: value for name, value in given.items() if value}}
    try:
        found = urllib3.request(method, url, body=data, headers=headers, timeout=TIMEOUT, retries=False, **more)
    except urllib3.exceptions.HTTPError as error:
        raise PreconditionFailed(f"{url} did not respond: {error}") from error
    return Answer(found.status, found.headers, found.data)


def upload(url: str, photo: bytes, key: str = "") -> Upload:
    """Upload a JPEG as clients do: get a form, and post it to the bucket. `url`: the API's, ending with a slash."""
    answer = fetch(f"{url}uploads", b"", key=key)
    if answer.status not in (200, 201):
        raise PreconditionFailed(f"POST /uploads returned {answer}")
    form = json.loads(answer.body)
    file = "photo.jpg", photo, "image/jpeg"  # S3 reads nothing after the file
    stored = fetch(form["url"], fields={**form["fields"], "Content-Type": "image/jpeg", "file": file})
    if stored.status not in (200, 201, 204):
        raise PreconditionFailed(f"S3 refused the form of POST /uploads with {stored}")
    return Upload(form["fields"]["key"], urljoin(url, form["identify_url"]))


STRIDE = 24  # places of one country are next to each other in the list, so try every 24th place first
PHOTO = INFRA / "release" / "cat.jpg"  # the gate's; any photo will do, because this tests the service, not the model
PARTS = ("model", "cache", "database")
PATIENCE = 120.0  # seconds to wait for a healthy response; a paused database takes up to 30
PAUSE = 3.0
REPEATS = 10  # more identifications of the same place; another container may answer, whose memory is empty

AskHealth = Callable[[], dict[str, Any]]

_HELP = "docs/how-to/runbook.md says how to investigate"


def steps(stage: Stage) -> list[Step]:
    """Return the steps of `python -m infra smoke`: test a stage as its clients and its operators see it."""
    wait = partial(wait_for_metric, stage, datetime.now(UTC))
    return [
        Step("api", "ask the API from outside", partial(check_stage, stage), minutes=1),
        Step("metrics", "wait for the metrics of these requests", wait, minutes=2),
        Step("alarms", "check that alarms reach someone", partial(check_recipients, stage)),
    ]


def check_stage(stage: Stage, echo: Echo) -> None:
    """Test a stage on AWS with the page's key. Raise `PreconditionFailed` at the first wrong response.

    The health of every part comes from the function itself, since the API does not show it to its callers.
    """
    check_url(stage.url, stage.name, echo, partial(invoke.ask_health, stage, echo))


def check_url(url: str, stage: str, echo: Echo, ask_health: AskHealth) -> None:
    """Test a stage by its URL and name, without rights on AWS, as .github/workflows/stage.yml does.

    Raise `PreconditionFailed` at the first wrong response.
    """
    key = key_of(url, stage)
    check(url, echo, ask_health, key)
    check_upload(url, echo, key)


def key_of(url: str, stage: str) -> str:
    """Return the key of the page, which a stage with `ApiKeys=required` demands and any other ignores."""
    return page_key(stage, (urlsplit(url).hostname or "").partition(".")[0])


def check_upload(url: str, echo: Echo, key: str) -> None:
    """Upload a photo to the bucket and have it identified. Raise `PreconditionFailed` if that fails."""
    answer = _request(f"{upload(url, PHOTO.read_bytes(), key).identify_url}?location=none", b"", key)
    echo(f"upload    {answer['message']} ({answer['timings_ms']['total']:.0f} ms)")


def check(url: str, echo: Echo, ask_health: AskHealth, key: str = "") -> None:
    """Test the API at `url`, which ends with a slash. Raise `PreconditionFailed` at the first wrong response."""
    health = wait_for_health(ask_health, echo)
    for part in PARTS:
        state = health[part]
        after = f"signed in after {time / 1e3:.3f} s" if (time := state.get("sign_in_milliseconds")) else ""
        echo(f"{part:<9} {state['state']} {state['detail'] or after}".rstrip())
        if state["state"] != "ok":
            raise PreconditionFailed(f"{part} is {state['state']} ({state['detail']}); {_HELP}")
    url, photo = f"{url}identify?{_place_with_animals(url, echo, key)}", PHOTO.read_bytes()
    answer = _request(url, photo, key)
    mode = answer["features"]["mode"]
    echo(f"identify  {answer['message']} ({mode}, {answer['timings_ms']['total']:.0f} ms)")
    if mode != "narrowed":
        raise PreconditionFailed(f"features.mode of an identification is {mode}, expected narrowed; {_HELP}")
    for attempt in range(1, REPEATS + 1):
        answer = _request(url, photo, key)
        if (source := answer["features"]["cache"]) == "memory":
            echo(f"memory    attempt {attempt}: features from memory ({answer['timings_ms']['total']:.0f} ms)")
            return
    wrong = f"features.cache is not `memory` in {REPEATS} repeated identifications, but {source}"
    raise PreconditionFailed(f"{wrong}; {_HELP}")


def _place_with_animals(url: str, echo: Echo, key: str) -> str:
    """Return the query string of the first place with animals: a team's own data may cover only a few countries."""
    places = read_places()
    for cell in [cell for first in range(STRIDE) for cell in places[first::STRIDE]]:
        latitude, longitude = center_of(cell)
        place = f"lat={latitude:.1f}&lon={longitude:.1f}"
        found = _request(f"{url}animals?{place}", key=key)
        mode, count = found["features"]["mode"], len(found["animals"])
        if mode == "degraded":
            raise PreconditionFailed(f"the animals of {place} could not be read: features.mode is degraded; {_HELP}")
        if mode == "narrowed" and count:
            areas = ", ".join(found["location"]["areas"])
            echo(f"animals   {count} live around {place} ({areas}), features from {found['features']['cache']}")
            return place
    advice = "load the data, or add places that your data covers"
    raise PreconditionFailed(f"no place in faunalens/data/places.csv has animals; {advice}")


def wait_for_health(ask_health: AskHealth, echo: Echo) -> dict[str, Any]:
    """Wait up to `PATIENCE` s until the health is `ok`, and print the parts that are not. Return the last health."""
    waiting = ""
    for waited in poll(PAUSE, PATIENCE):
        with suppress(PreconditionFailed):
            health = ask_health()
            if health["status"] == "ok":
                return health
            failing = (f"{part} {health[part]['detail']}" for part in PARTS if health[part]["state"] != "ok")
            if waiting != (waiting := ", ".join(failing)):
                echo(f"waiting   {waiting}, after {waited:.0f} s")
    return ask_health()


def _request(url: str, picture: bytes | None = None, key: str = "") -> dict[str, Any]:
    """Return the JSON of a response. If the API throttles the request, repeat it for up to `PATIENCE` seconds."""
    for _ in poll(1.0, PATIENCE):
        answer = fetch(url, picture, "image/jpeg" if picture else "", key)
        if answer.status == 429:
            continue
        if answer.status == 200:
            with suppress(ValueError):
                document: dict[str, Any] = json.loads(answer.body)
                return document
        raise PreconditionFailed(f"{url} returned {answer}; {_HELP}")
    raise PreconditionFailed(f"{url} was throttled for {PATIENCE:.0f} s; {_HELP}")


METRIC_PATIENCE = 120.0  # seconds to wait for a metric; CloudWatch usually needs less than a minute
METRIC_PAUSE = 10.0


def wait_for_metric(stage: Stage, since: datetime, echo: Echo) -> None:
    """Wait until CloudWatch counts an identification after `since`. Raise `PreconditionFailed` if it does not."""
    for waited in poll(METRIC_PAUSE, METRIC_PATIENCE):
        if count := metric_sum(stage, "Identifications", since):
            echo(f"Identifications: {count:.0f}, there after {waited:.0f} s")
            return
        echo(f"{waited:5.0f} s  waiting for the metric Identifications")
    raise PreconditionFailed(
        f"CloudWatch has no metric Identifications of stage {stage.name} after {METRIC_PATIENCE:.0f} s; look for lines "
        f"with `_aws` in the log group /aws/lambda/faunalens-{stage.name}, and at the role's permission to write there"
    )


def metric_sum(stage: Stage, metric: str, since: datetime) -> float:
    """Return the sum of one of the app's metrics. `since`: start, which CloudWatch rounds down to a minute."""
    return sum(metric_statistics(stage, NAMESPACE, metric, app_dimensions(stage), "Sum", since, 60))


def app_dimensions(stage: Stage) -> dict[str, str]:
    """Return the dimensions of the app's metrics."""
    return {"service": SERVICE, "stage": stage.name}


def metric_statistics(
    stage: Stage, namespace: str, metric: str, where: Mapping[str, str], statistic: str, since: datetime, period: int
) -> list[float]:
    """Return a metric's statistic in each `period` (seconds) since `since` that has data. `where`: its dimensions."""
    found = stage.client("cloudwatch").get_metric_statistics(
        Namespace=namespace,
        MetricName=metric,
        Dimensions=[{"Name": name, "Value": value} for name, value in where.items()],
        StartTime=since,
        EndTime=datetime.now(UTC) + timedelta(minutes=1),
        Period=period,
        Statistics=[statistic],
    )
    return [float(each[statistic]) for each in found["Datapoints"]]


def check_recipients(stage: Stage, echo: Echo) -> str:
    """Return the number and kinds of the alarms' recipients. Raise `PreconditionFailed` if there are none."""
    pages = stage.pages("sns", "list_subscriptions_by_topic", TopicArn=stage.output("AlarmTopic"))
    found = [each for page in pages for each in page["Subscriptions"]]
    confirmed = [each["Protocol"] for each in found if each["SubscriptionArn"] != "PendingConfirmation"]
    if not found:
        advice = "set AlarmEmail in infra/stages/STAGE.json and run `infra up` again"
        raise PreconditionFailed(f"alarms reach no one: their topic has no subscription; {advice}")
    if not confirmed:
        advice = "open the mail 'AWS Notification - Subscription Confirmation' and follow its link"
        count = f"{len(found)} subscription{'s' * (len(found) > 1)}"
        raise PreconditionFailed(f"alarms reach no one: {count} not confirmed; {advice}")
    summary = f"{len(confirmed)} of {len(found)} subscriptions confirmed ({', '.join(sorted(confirmed))})"
    echo(summary)
    return summary
