"""The wheel that `uv tool install .` and `pipx install .` install holds everything that the command needs."""

import os
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

from chalicelib.config.settings import ROOT
from testing.pictures import jpeg

NOT_NEEDED = ("app.py", "infra/", "tests/", "testing/", "local/", "benchmarks/", "docs/", "cloudwatch/", "web/")


def test_the_command_runs_from_the_wheel_alone(tmp_path: Path, cache_home: Path) -> None:
    # GIVEN the wheel of this checkout, as its build backend makes it
    build = f"from hatchling.build import build_wheel; print(build_wheel({str(tmp_path)!r}))"
    done = subprocess.run([sys.executable, "-c", build], cwd=ROOT, capture_output=True, text=True, check=True)
    with ZipFile(tmp_path / done.stdout.split()[-1]) as wheel:
        wheel.extractall(tmp_path / "site")
        names = wheel.namelist()
    assert not [name for name in names if name.startswith(NOT_NEEDED)]
    # WHEN it is run where the checkout is out of sight
    (tmp_path / "photo.jpg").write_bytes(jpeg())
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "site"), "XDG_CACHE_HOME": str(cache_home)}
    for arguments in (
        ("identify", "photo.jpg", "--results", "study.db", "--lat", "-33.9", "--lon", "151.2"),
        ("export", "study.db", "--megadetector", "md.json"),
        ("report", "study.db"),
    ):
        command = [sys.executable, "-P", "-m", "cli", *arguments]
        ran = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120, check=False
        )
        # THEN every command has its model, its data and its files
        assert ran.returncode == 0, ran.stderr
    assert "echarts" in (tmp_path / "study.html").read_text(encoding="utf-8")
