"""The releases of a stage: which one runs, and the rollback to an earlier one."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from infra.functions import FUNCTIONS, function_name
from infra.release import ALIAS, COMMIT, MODEL
from infra.step import Echo, PreconditionFailed

API = "api_handler"
KEPT = 5
"""Releases whose versions stay, as the way back. Lambda stores at most 75 GB of code for an account."""
HEADING = f"{'version':>7}  {'since':<20}  {'commit':<20} {'model':<14} traffic"

_SINCE = " since "  # before the time in the description of an alias that was moved by hand: it has no time of its own


class Release(NamedTuple):
    """A release of a stage. `versions`: the version of each function, by its name in app.py."""

    commit: str
    model: str
    since: datetime  # of its publication, or of the rollback to it
    versions: Mapping[str, int]  # number of the version of each function, by the function's key in `FUNCTIONS`
    share: float = 0.0  # of the API's traffic

    def line(self) -> str:
        """Return the release as a line below `HEADING`."""
        since, traffic = f"{self.since:%Y-%m-%d %H:%M} UTC", f"{self.share:.0%}" if self.share else ""
        return f"{self.versions[API]:>7}  {since:<20}  {self.commit:<20} {self.model:<14} {traffic}".rstrip()


class Releases:
    """The releases of a stage. `lambdas`: a boto3 client of `lambda`."""

    def __init__(self, lambdas: Any, stage: str) -> None:
        self._lambdas = lambdas
        self._names = {key: function_name(stage, key) for key in FUNCTIONS}

    def all(self) -> list[Release]:
        """Return the releases, the latest first, as far as their version of the API's function still exists."""
        alias = self._alias(API)
        versions = {key: self._versions(key) for key in FUNCTIONS}
        shares, (back, _, moment) = _shares(alias), alias.get("Description", "").partition(_SINCE)
        found = []
        for commit, (api, configuration) in versions[API].items():
            published = datetime.fromisoformat(configuration["LastModified"]).astimezone(UTC)
            since = datetime.fromisoformat(moment) if moment and back == str(api) else published
            model = configuration.get("Environment", {}).get("Variables", {}).get(MODEL, "")
            numbers = {key: each[commit][0] for key, each in versions.items() if commit in each}
            found.append(Release(commit, model, since, numbers, shares.get(api, 0.0)))
        return sorted(found, key=lambda each: -each.versions[API])

    def roll_back(self, echo: Echo, to: str = "") -> Release:
        """Give all traffic to the previous release, or to the release of commit `to`, and return it.

        Raise `PreconditionFailed` if there is no such release.
        """
        # While traffic shifts, the alias names the previous release, and the new one has a weight in addition.
        releases, current = self.all(), int(self._alias(API)["FunctionVersion"])
        is_shifting = any(0 < each.share < 1 for each in releases)
        for target in releases:
            is_wanted = target.commit.startswith(to) if to else target.versions[API] < current + is_shifting
            if is_wanted and target.versions.keys() == self._names.keys():
                break
        else:
            known = ", ".join(each.commit for each in releases)
            raise PreconditionFailed(f"there is no release to go back to; the releases are {known}")
        for key in sorted(FUNCTIONS, key=lambda each: each != API):
            version = str(target.versions[key])
            self._lambdas.update_alias(
                FunctionName=self._names[key],
                Name=ALIAS,
                FunctionVersion=version,
                RoutingConfig={"AdditionalVersionWeights": {}},
                Description=f"{version}{_SINCE}{datetime.now(UTC).isoformat(timespec='seconds')}",
            )
            echo(f"{self._names[key]}: {ALIAS} is version {version}")
        return target

    def prune(self, echo: Echo, keep: int = KEPT) -> None:
        """Delete all versions except those of the `keep` latest releases and those that an alias names."""
        kept = self.all()[:keep]
        for key, name in self._names.items():
            named, numbers = _shares(self._alias(key)), self._numbers(key)
            first = min((each.versions[key] for each in kept if key in each.versions), default=0)
            old = [number for number in numbers if number < first and number not in named]
            for number in old:
                self._lambdas.delete_function(FunctionName=name, Qualifier=str(number))
            if old:
                echo(f"{name}: {len(old)} version{'s' * (len(old) > 1)} deleted, {len(numbers) - len(old)} left")

    def _numbers(self, key: str) -> dict[int, dict[str, Any]]:
        """Return the configuration of each published version of a function, by number, the earliest first."""
        pages = self._lambdas.get_paginator("list_versions_by_function").paginate(FunctionName=self._names[key])
        found = {each["Version"]: each for page in pages for each in page["Versions"]}
        return {int(number): found[number] for number in sorted(found.keys() - {"$LATEST"}, key=int)}

    def _versions(self, key: str) -> dict[str, tuple[int, dict[str, Any]]]:
        """Return, by commit, the number and the configuration of a function's version.

        With other settings, a commit has another version. The one that the alias names counts, or else the last one.
        """
        named, numbers = int(self._alias(key)["FunctionVersion"]), self._numbers(key)
        return {
            each.get("Environment", {}).get("Variables", {}).get(COMMIT, "unknown"): (number, each)
            for number, each in sorted(numbers.items(), key=lambda found: found[0] == named)
        }

    def _alias(self, key: str) -> dict[str, Any]:
        name = self._names[key]
        try:
            alias: dict[str, Any] = self._lambdas.get_alias(FunctionName=name, Name=ALIAS)
        except self._lambdas.exceptions.ResourceNotFoundException as error:
            raise PreconditionFailed(f"{name} has no alias {ALIAS}; bring the stage up with `infra up`") from error
        return alias


def _shares(alias: Mapping[str, Any]) -> dict[int, float]:
    """Return the share of the traffic of each version that an alias names."""
    weights = alias.get("RoutingConfig", {}).get("AdditionalVersionWeights", {})
    return {int(alias["FunctionVersion"]): 1 - sum(weights.values()), **{int(each): weights[each] for each in weights}}
