"""The installable project: its dependencies are those that are pinned and tested."""

import re
import subprocess
import sys
import tomllib

from chalicelib.config import VERSION
from chalicelib.config.settings import ENGINES, ROOT
from faunalens.cli import NEEDED
from tests.stand_ins import STAND_INS

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def pins_in(name: str) -> set[str]:
    return set(re.findall(r"^([\w.-]+==[\w.]+)", (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE))


def test_every_dependency_is_pinned_as_in_development_and_there_is_one_version() -> None:
    optional = dict(PROJECT["optional-dependencies"])
    table = (ROOT / "docs" / "reference" / "cli.md").read_text(encoding="utf-8")
    assert [engine for engine in ENGINES if f"\n| `{engine}` | " not in table] == []
    for engine in ENGINES[1:]:  # their packages bring PyTorch; tests have stand-ins, named after the same versions
        (pin,) = optional.pop(engine)
        text = pin.replace(f"{engine}==", f"the package {engine} ")
        assert any(text in path.read_text(encoding="utf-8") for path in (STAND_INS / engine).rglob("*.py")), pin
    assert pins_in("requirements.in") <= set(PROJECT["dependencies"])
    assert {*PROJECT["dependencies"], *(pin for pins in optional.values() for pin in pins)} <= pins_in(
        "requirements-dev.txt"
    )
    assert PROJECT["version"] == VERSION


def test_another_python_is_named_before_anything_else() -> None:
    # GIVEN the package's own demand, which installers read
    assert PROJECT["requires-python"] == ">={}.{},<{}.{}".format(*NEEDED, NEEDED[0], NEEDED[1] + 1)
    # WHEN a checkout is run with another Python, which knows less of the language
    program = (
        "import sys; sys.version_info = (3, 11, 7); import runpy; runpy.run_module('faunalens', run_name='__main__')"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    # THEN it says so in a line, and nothing more was imported
    assert done.returncode == 1
    assert done.stderr.startswith("faunalens: this is Python 3.11, and Faunalens needs Python 3.13; ")
    assert done.stderr.count("\n") == 1
