"""`python -m infra up --dry-run`, without account and network. test_stage.py compares its calls with a real run's."""

import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path

from chalicelib.config.settings import ROOT
from infra.dry_run import OUT
from infra.smoke import CHECKS
from infra.stage import Stage
from infra.template import INFRA
from infra.up import Up


def dry_run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "infra", "up", "--dry-run", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240)


def state_of(folder: Path) -> dict[str, str]:
    """Return a digest of each file that a deployment might write."""
    files = [*folder.glob("*.json"), *folder.glob("deployed/*")]
    return {str(each): hashlib.sha256(each.read_bytes()).hexdigest() for each in files}


def test_it_prints_every_step_with_sizes_times_and_cost_and_writes_the_templates() -> None:
    # GIVEN a checkout WHEN someone looks at what a first deployment of prod would do
    before = state_of(ROOT / ".chalice")
    words = "--stage prod --firewall --region eu-west-1 --set AlarmEmail=me@example.org --without-budget"
    done = dry_run(*words.split())
    # THEN each step has its heading, in order
    assert done.returncode == 0, done.stdout + done.stderr
    steps = [step.name for step in Up(Stage("prod", "", None, {})).steps()]
    assert re.findall(r"^\[\d+/\d+\] (\w+): ", done.stdout, re.MULTILINE) == steps
    # AND what is uploaded has a size, and the whole has a duration and a price
    assert re.search(
        r"change s3 UploadPart faunalens-prod-packages-\d+, \d+\.\d MB(, \d+ times)?$", done.stdout, re.MULTILINE
    )
    assert re.search(r"^uploads: [\d.]+ MB, \d+ s at 10 Mbit/s\nexpected: about \d+ minutes", done.stdout, re.MULTILINE)
    assert re.search(r"^cost: about [\d.]+ US dollars a day without traffic", done.stdout, re.MULTILINE)
    # AND the requests of the smoke test are those that it makes
    for name, what in CHECKS.items():
        assert f"{name:<9} {what}" in done.stdout
    # AND both templates are written as they would be sent, with the parameters on the screen
    templates = {each.read_text(encoding="utf-8") for each in (OUT / "prod").glob("*-CreateStack.yaml")}
    assert templates == {
        (INFRA / name).read_text(encoding="utf-8") for name in ("faunalens.yaml", "edge.yaml", "stream.yaml")
    }
    assert "AlarmEmail=me@example.org" in done.stdout.replace("\n", " ")
    assert [json.loads(each.read_text())["swagger"] for each in (OUT / "prod").glob("*-ImportRestApi.json")] == ["2.0"]
    # AND the checkout is as before
    assert state_of(ROOT / ".chalice") == before


def test_what_would_fail_fails_now() -> None:
    done = dry_run("--stage", "dev", "--set", "LogDays=many")
    assert done.returncode == 1
    assert "error: `infra up` would fail: step checkout failed: LogDays=many is not a number" in done.stderr
    assert "resume" not in done.stderr
