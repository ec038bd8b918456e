"""Expand, deploy, contract: the release before and this one each work with the schema and the data of the other.

While traffic shifts, and after a rollback, both run on one database and one cache. So what a release stops using goes
in the next release and not in this one.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

from chalicelib.config.settings import ROOT
from infra.package import Package
from local.lambda_sim.api_gateway import serving
from local.lambda_sim.deployment import deployed
from local.stack import postgres
from local.stack.valkey import ValkeyServer
from tests.integration.conftest import Served
from tests.integration.infra.moto_stack import expanded
from tests.support.pictures import SYDNEY, exif, jpeg

pytestmark = pytest.mark.alone  # it packs the release before, and loads its data

FIRST = "4f84f5ba"
"""The release before, as long as there is no tag."""
PHOTO = jpeg(exif=exif(SYDNEY))


def git(*arguments: str) -> str:
    done = subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A checkout of the release before: the last tag, or `FIRST`. It gets the models of this one."""
    folder = tmp_path_factory.mktemp("before") / "checkout"
    release = git("describe", "--tags", "--abbrev=0", "HEAD^") or FIRST
    git("worktree", "add", "--detach", str(folder), release)
    assert (folder / "app.py").is_file(), f"{release} is not in this clone; fetch it with: git fetch --unshallow --tags"
    try:
        for model in (ROOT / "model").rglob("*.onnx"):
            shutil.copy(model, folder / model.relative_to(ROOT))
        (ROOT / ".chalice" / "deployments").mkdir(exist_ok=True)
        (folder / ".chalice" / "deployments").symlink_to(ROOT / ".chalice" / "deployments")
        yield folder
    finally:
        git("worktree", "remove", "--force", str(folder))


def run(folder: Path, *arguments: str, **environment: str) -> None:
    """Run a module of a checkout."""
    own = {**os.environ, "PYTHONPATH": str(folder), **environment}
    command = [sys.executable, "-m", *arguments]
    done = subprocess.run(command, cwd=folder, env=own, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def package_before(before: Path) -> Package:
    out = before / "build" / "package"
    run(before, "infra.package", "--out", str(out))
    return Package(out / "deployment.zip", out / "layer-deployment.zip", out / "sam.json")


@pytest.fixture(scope="module")
def database_before(before: Path) -> Iterator[str]:
    """URL of a database with the schema and the data of the release before."""
    module = "faunalens.data" if (before / "faunalens" / "data").is_dir() else "database"  # its name until 0.1.0
    with postgres.serve() as server:
        run(before, module, "load", DATABASE_URL=server.url)
        yield server.url


@contextmanager
def serve(package: Package, folder: Path, database: str, valkey: ValkeyServer) -> Iterator[Served]:
    """Serve a release on a database and a cache."""
    folder.mkdir()
    with (
        deployed(package, folder, {"DATABASE_URL": database, "REDIS_URL": valkey.url}, containers=1) as running,
        serving(running.gateway, 0) as port,
    ):
        yield Served(port, folder / "metrics.jsonl", folder / "faunalens-dev.log")


def answers(api: Served) -> dict[str, Any]:
    """Ask a release for what reads the schema and the data. Return what does not depend on the release."""
    place = {"lat": "-33.9", "lon": "151.2"}
    identified, animals = api.identify(PHOTO).json, api.request("GET", "/animals", place).json
    first = animals["animals"][0]["taxon"]
    taxon = api.request("GET", f"/taxa/{first}").json
    region = api.request("GET", f"/taxa/{first}/range").json
    assert api.request("GET", "/taxa", {"q": taxon["name"]}).json["taxa"]
    assert "Feature" in region["type"]
    # AND nothing failed behind the answers
    assert not [line for line in api.log.read_text().splitlines() if "dependency faults" in line or '"ERROR"' in line]
    return {
        "mode": identified["features"]["mode"],
        "version": identified["features"]["version"],
        "areas": identified["location"]["areas"],
        "animals": [each["taxon"] for each in animals["animals"]],
        "taxon": taxon["scientific_name"],
    }


@pytest.mark.parametrize("data", ["this", "before"])
def test_both_releases_answer_from_one_schema_dataset_and_cache(
    data: str, request: pytest.FixtureRequest, package: Package, package_before: Package, tmp_path: Path
) -> None:
    # GIVEN the schema and the data of one release, and a cache
    database = request.getfixturevalue("loaded_database" if data == "this" else "database_before")
    valkey: ValkeyServer = request.getfixturevalue("valkey_server")
    # WHEN this release answers, then the one before with what this one cached, and this one again
    with (
        serve(package, tmp_path / "this", database, valkey) as this,
        serve(package_before, tmp_path / "before", database, valkey) as old,
    ):
        found = [answers(each) for each in (this, old, this)]
    # THEN they know the same animals
    assert found[0]["mode"] == "narrowed"
    assert len(found[0]["animals"]) > 10
    assert found[1] == found[0] == found[2]


MEANT = {
    f"Dashboard{name}": "its name has the region now; a dashboard holds no data"
    for name in ("Batches", "Cost", "Features", "Model", "Service")
}
"""Resources that this release replaces on purpose, by name, and why nothing is lost."""


@pytest.fixture(scope="module")
def templates(before: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], dict[str, Any]]:
    """The whole template of prod, as the release before has it and as this one does."""
    found = []
    for checkout in (before, ROOT):
        out = tmp_path_factory.mktemp("template")
        run(checkout, "infra", "template", "--stage", "prod", "--out", str(out))
        found.append(expanded(json.loads((out / "sam.json").read_text(encoding="utf-8"))))
    return found[0], found[1]


def replaced(before: dict[str, Any], now: dict[str, Any]) -> Iterator[str]:
    """Yield what CloudFormation would replace, by the properties that only a creation can set."""

    def value(template: dict[str, Any], name: str, path: list[str]) -> Any:
        found: Any = template["Resources"][name].get("Properties", {})
        for each in path:
            found = found.get(each) if isinstance(found, dict) else None
        given = found.get("Ref") if isinstance(found, dict) else None
        return template["Parameters"].get(given, {}).get("Default", found) if given else found

    for name, old in before["Resources"].items():
        if now["Resources"].get(name, {}).get("Type") != old["Type"]:
            continue
        schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", old["Type"]).schema
        for pointer in schema.get("createOnlyProperties", []):
            path = pointer.removeprefix("/properties/").split("/")
            if value(before, name, path) != value(now, name, path):
                yield f"{name}: {'.'.join(path)}"


def test_nothing_is_replaced_unless_it_is_meant(templates: tuple[dict[str, Any], dict[str, Any]]) -> None:
    would = [each for each in replaced(*templates) if each.partition(":")[0] not in MEANT]
    assert not would, f"this would replace {', '.join(would)}"
