"""The import of aws-embedded-metrics: without aiohttp, and still fitting the installed release."""

import ast
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from chalicelib.config.settings import ROOT
from chalicelib.telemetry.emf_library import _DETECTOR, _NAMES


def test_a_line_can_be_serialized_without_importing_aiohttp() -> None:
    # GIVEN a fresh interpreter WHEN it imports the library and serializes a metric
    program = (
        "import sys\n"
        "from chalicelib.telemetry.emf_library import context_and_serializer\n"
        "context_type, serializer = context_and_serializer()\n"
        "context = context_type(namespace='Faunalens')\n"
        "context.put_metric('Requests', 1, 'Count')\n"
        "assert serializer.serialize(context)\n"
        "print('aiohttp' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    # THEN aiohttp was not imported
    assert done.stdout == "False\n"


def test_the_stub_has_all_names_that_the_library_imports_from_the_detector() -> None:
    # GIVEN the sources of the installed library
    spec = find_spec("aws_embedded_metrics")
    assert spec is not None
    (folder,) = spec.submodule_search_locations or []
    detector = Path(folder, *_DETECTOR.split(".")[1:]).with_suffix(".py")
    # WHEN they import from the detector, or the module itself
    imported: set[str] = set()
    package, _, module = _DETECTOR.rpartition(".")
    for path in Path(folder).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module == _DETECTOR:
                imported |= {alias.name for alias in node.names}
            if isinstance(node, ast.ImportFrom) and node.module == package:
                assert module not in {alias.name for alias in node.names}
    # THEN the detector exists where it is replaced, and the stub has the same names
    assert detector.is_file()
    assert imported == set(_NAMES)
