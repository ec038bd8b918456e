"""The account in which stacks come up, and the templates that the command writes."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chalicelib.config.settings import ROOT
from infra.package import Package
from tests.integration.infra.moto_stack import deployable
from tests.support.aws import Account, account
from tests.support.cloudformation import IMAGE, STAGES


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    """An account simulated by moto, which this process uses."""
    with account() as running, deployable():
        for name, value in running.environment.items():
            monkeypatch.setenv(name, value)
        yield running


def write_template(stage: str, out: Path, **environment: str) -> Path:
    """Write the template of a stage with the command, and return its folder. prod demands API keys, and has a tier."""
    command = [sys.executable, "-m", "infra", "template", "--stage", stage, "--out", str(out), "--set", "Firewall=yes"]
    command += ["--set", "ApiKeys=required", "--set", f"WebImage={IMAGE}"] if stage == "prod" else []
    variables = os.environ | environment
    done = subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    # AND the command prints what a production stage lacks
    assert ("for production, but has no alarms and no budget" in done.stdout) is (stage == "prod")
    return out


def template_in(folder: Path) -> dict[str, Any]:
    """Return the template that `write_template` wrote to a folder."""
    found: dict[str, Any] = json.loads((folder / "sam.json").read_text(encoding="utf-8"))
    return found


@pytest.fixture(scope="session")
def folders(package: Package, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """What the command writes for each stage; tests must not change it."""
    assert package.layer.is_file()  # packed once a session
    return {stage: write_template(stage, tmp_path_factory.mktemp(stage)) for stage in STAGES}


@pytest.fixture(scope="module", params=STAGES)
def stage(request: pytest.FixtureRequest) -> str:
    """Each stage."""
    return str(request.param)
