"""The releases of a stage in an account: what runs, the way back, and what is kept for it."""

from datetime import UTC, datetime
from typing import Any

import pytest

from infra.functions import FUNCTIONS, function_name
from infra.release import ALIAS, COMMIT, MODEL
from infra.release.releases import Releases
from infra.step import PreconditionFailed
from tests.support.aws import ACCOUNT, Account

API = "faunalens-dev"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/any"


def create(lambdas: Any, name: str) -> None:
    lambdas.create_function(
        FunctionName=name, Runtime="python3.13", Role=ROLE, Handler="app.app", Code={"ZipFile": b"code"}
    )


def publish(lambdas: Any, commit: str, *, is_first: bool = False) -> None:
    """Publish a version of each function, as a release does, and move the aliases to it."""
    for key in FUNCTIONS:
        name, environment = function_name("dev", key), {"Variables": {COMMIT: commit, MODEL: f"model-{commit}"}}
        if is_first:
            create(lambdas, name)
        lambdas.update_function_code(FunctionName=name, ZipFile=commit.encode())
        lambdas.update_function_configuration(FunctionName=name, Environment=environment)
        version = lambdas.publish_version(FunctionName=name)["Version"]
        move = lambdas.create_alias if is_first else lambdas.update_alias
        move(FunctionName=name, Name=ALIAS, FunctionVersion=version)


@pytest.fixture
def lambdas(aws: Account) -> Any:
    """Lambda of a stage with three releases, of which the last runs."""
    aws.client("iam").create_role(RoleName="any", AssumeRolePolicyDocument="{}")
    with_releases = aws.client("lambda")
    for number, commit in enumerate(("aaa111", "bbb222", "ccc333")):
        publish(with_releases, commit, is_first=not number)
    return with_releases


def live(lambdas: Any) -> dict[str, str]:
    names = [function_name("dev", key) for key in FUNCTIONS]
    return {name: lambdas.get_alias(FunctionName=name, Name=ALIAS)["FunctionVersion"] for name in names}


def running(releases: Releases) -> list[tuple[str, float]]:
    return [(each.commit, round(each.share, 3)) for each in releases.all() if each.share]


def ignored(_: str) -> None:
    """Print nothing."""


def test_releases_are_listed_with_what_they_are_made_of(lambdas: Any) -> None:
    releases = Releases(lambdas, "dev").all()
    assert [(each.commit, each.model, each.share) for each in releases] == [
        ("ccc333", "model-ccc333", 1.0),
        ("bbb222", "model-bbb222", 0.0),
        ("aaa111", "model-aaa111", 0.0),
    ]
    assert all(each.versions.keys() == {*FUNCTIONS} for each in releases)
    assert abs((datetime.now(UTC) - releases[0].since).total_seconds()) < 60
    assert releases[0].line().endswith("ccc333               model-ccc333   100%")


def test_the_way_back_takes_every_function(lambdas: Any) -> None:
    releases, said = Releases(lambdas, "dev"), list[str]()
    # WHEN the release is taken back THEN each function has the version of the release before
    assert releases.roll_back(said.append).commit == "bbb222"
    assert running(releases) == [("bbb222", 1.0)]
    assert {*live(lambdas).values()} == {str(releases.all()[1].versions["api_handler"])}
    # AND the API is first
    assert said[0].startswith(f"{API}: live is version")
    # AND once more goes back one more, and by its commit forward again
    assert releases.roll_back(ignored).commit == "aaa111"
    with pytest.raises(PreconditionFailed, match="no release to go back to; the releases are ccc333, bbb222, aaa111"):
        releases.roll_back(ignored)
    assert releases.roll_back(ignored, to="ccc").commit == "ccc333"
    # AND it says since when the release is back
    assert abs((datetime.now(UTC) - releases.all()[0].since).total_seconds()) < 60


def test_while_traffic_shifts_the_way_back_is_the_version_that_still_has_most_of_it(lambdas: Any) -> None:
    # GIVEN a tenth of the traffic on a fourth release
    name, releases = API, Releases(lambdas, "dev")
    old = live(lambdas)[name]
    publish(lambdas, "ddd444")
    new = live(lambdas)[name]
    weights = {"AdditionalVersionWeights": {new: 0.1}}
    lambdas.update_alias(FunctionName=name, Name=ALIAS, FunctionVersion=old, RoutingConfig=weights)
    assert running(releases) == [("ddd444", 0.1), ("ccc333", 0.9)]
    # WHEN it is taken back THEN the version before has all of it again, and so have the other functions
    assert releases.roll_back(ignored).commit == "ccc333"
    assert running(releases) == [("ccc333", 1.0)]


def test_the_way_back_from_other_settings_is_not_an_older_commit(lambdas: Any) -> None:
    # GIVEN a tenth of the traffic on the same commit with other settings
    name, releases = API, Releases(lambdas, "dev")
    old = live(lambdas)[name]
    publish(lambdas, "ccc333")
    weights = {"AdditionalVersionWeights": {live(lambdas)[name]: 0.1}}
    lambdas.update_alias(FunctionName=name, Name=ALIAS, FunctionVersion=old, RoutingConfig=weights)
    # WHEN the release is taken back THEN the version that still had most of the traffic has all of it again
    assert releases.roll_back(ignored).commit == "ccc333"
    assert (live(lambdas)[name], running(releases)) == (old, [("ccc333", 1.0)])


def test_old_versions_go_but_none_that_runs(lambdas: Any) -> None:
    releases = Releases(lambdas, "dev")
    releases.roll_back(ignored, to="aaa111")
    # WHEN two releases are kept, and the first one runs THEN all stay
    releases.prune(ignored, keep=2)
    assert len(releases.all()) == 3
    # AND once the last one runs, the first one goes
    releases.roll_back(ignored, to="ccc333")
    said = list[str]()
    releases.prune(said.append, keep=2)
    assert [each.commit for each in releases.all()] == ["ccc333", "bbb222"]
    assert f"{API}: 1 version deleted, 2 left" in said


def test_a_release_that_lacks_a_function_is_no_way_back(lambdas: Any) -> None:
    # GIVEN a release before which a function was added
    for each in lambdas.list_versions_by_function(FunctionName="faunalens-dev-batch")["Versions"]:
        if each.get("Environment", {}).get("Variables", {}).get(COMMIT) == "bbb222":
            lambdas.delete_function(FunctionName="faunalens-dev-batch", Qualifier=each["Version"])
    assert Releases(lambdas, "dev").roll_back(ignored).commit == "aaa111"


def test_a_stage_without_alias_says_what_to_do(aws: Account) -> None:
    aws.client("iam").create_role(RoleName="any", AssumeRolePolicyDocument="{}")
    lambdas = aws.client("lambda")
    for key in FUNCTIONS:
        create(lambdas, function_name("dev", key))
    with pytest.raises(PreconditionFailed, match="faunalens-dev has no alias live; bring the stage up"):
        Releases(lambdas, "dev").all()
