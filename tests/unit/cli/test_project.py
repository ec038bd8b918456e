"""The installable project: its dependencies are those that are pinned and tested."""

import re
import subprocess
import sys
import tomllib

from chalicelib.config import VERSION
from chalicelib.config.settings import ROOT
from cli import NEEDED
from tests.stand_ins import STAND_INS

ENGINES = ("megadetector", "speciesnet")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def stand_in_of(package: str) -> str:
    """Return the version of a package that its stand-in has the interface of."""
    sources = "".join(path.read_text(encoding="utf-8") for path in sorted((STAND_INS / package).rglob("*.py")))
    found = re.search(rf"the package {package} ([\d.]+\d)", sources)
    return found[1] if found else ""


def test_every_dependency_is_pinned_as_in_development() -> None:
    pins = set(
        re.findall(r"^([\w.-]+==[\w.]+)", (ROOT / "requirements-dev.txt").read_text(encoding="utf-8"), re.MULTILINE)
    )
    optional = dict(PROJECT["optional-dependencies"])
    for engine in ENGINES:  # their packages bring PyTorch; tests have stand-ins, named after the same versions
        assert optional.pop(engine) == [f"{engine}=={stand_in_of(engine)}"]
    assert {*PROJECT["dependencies"], *(pin for pins in optional.values() for pin in pins)} <= pins


def test_the_product_has_all_that_it_needs_and_one_version() -> None:
    assert PROJECT["version"] == VERSION
    product = re.findall(r"^([\w.-]+==[\w.]+)", (ROOT / "requirements.in").read_text(encoding="utf-8"), re.MULTILINE)
    assert set(product) <= set(PROJECT["dependencies"])


def test_another_python_is_named_before_anything_else() -> None:
    # GIVEN the package's own demand, which installers read
    assert PROJECT["requires-python"] == ">={}.{},<{}.{}".format(*NEEDED, NEEDED[0], NEEDED[1] + 1)
    # WHEN a checkout is run with another Python, which knows less of the language
    program = "import sys; sys.version_info = (3, 11, 7); import runpy; runpy.run_module('cli', run_name='__main__')"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    # THEN it says so in a line, and nothing more was imported
    assert done.returncode == 1
    assert done.stderr.startswith("faunalens: this is Python 3.11, and Faunalens needs Python 3.13; ")
    assert done.stderr.count("\n") == 1
